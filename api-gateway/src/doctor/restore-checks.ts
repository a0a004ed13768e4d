import type { Config } from '#config.ts'
import { readConfigFile } from '#config-file.ts'
import type { Finding } from '#doctor/source-checks.ts'
import { describeError } from '#lib/backups/backup-error.ts'
import { findClientPrograms, newestClientProgram } from '#postgres/client-programs.ts'
import { atDatabase, parsePostgresUrl } from '#postgres/connection.ts'
import { knowsRestrict } from '#postgres/psql-restriction.ts'
import { readRestoringRole, rightsBeyond } from '#restore/postgres/restoring-role.ts'

/** Which psql a restore would take, and whether it can be kept from obeying a dump. None is a warning. */
export async function checkPsql(signal: AbortSignal): Promise<Finding> {
  const [newest] = await findClientPrograms('psql', signal)
  if (newest === undefined) {
    return {
      message: 'not found',
      warning: 'Only needed for PostgreSQL: install a client (Debian: postgresql-client).',
    }
  }
  const message = `version ${newest.version}`
  if (knowsRestrict(newest)) return { message }
  return {
    message: `${message}, which does not know \\restrict`,
    warning:
      'Dumps that were not made here by pg_dump are not restored with it: install 13.22, 14.19, 15.14, 16.10, 17.6, 18 or newer.',
  }
}

/** Whose rights a restore into each target of telegram-backup.yaml would have. None is fine. */
export async function checkTargets(config: Config, signal: AbortSignal): Promise<Finding> {
  // What is wrong with the file, its own check says.
  const file = await readConfigFile(config).catch(() => undefined)
  const names = file?.targetNames ?? []
  if (file === undefined || names.length === 0) return { message: 'none' }
  const psql = await newestClientProgram('psql', signal)
  const warnings = await Promise.all(
    names.map(async name => {
      try {
        const beyond = await lookAt(file.target(name).postgres, { psql: psql.path, signal })
        return beyond === undefined
          ? []
          : [
              `${name} is restored into as ${beyond}: what the owners of the source have written runs so. Safer is a role that owns the target and has no other rights.`,
            ]
      } catch (error) {
        return [`${name} cannot be looked at: ${describeError(error).message}.`]
      }
    }),
  )
  const all = warnings.flat()
  return { message: names.join(', '), ...(all.length === 0 ? {} : { warning: all.join(' ') }) }
}

/** The database itself need not be there. */
async function lookAt(
  url: string,
  options: { psql: string; signal: AbortSignal },
): Promise<string | undefined> {
  const connection = parsePostgresUrl(url)
  const role = await readRestoringRole(connection, options).catch(() =>
    readRestoringRole(atDatabase(connection, 'postgres'), options),
  )
  const beyond = rightsBeyond(role)
  return beyond === undefined ? undefined : `${role.name}, ${beyond}`
}
