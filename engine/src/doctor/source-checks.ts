import { findTar } from '@telegram-backup/connectors/directory/tar-program.ts'
import {
  findClientPrograms,
  readPostgresPrograms,
} from '@telegram-backup/connectors/postgres/client-programs.ts'
import { describeError } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import { readConfigFile } from '#config/config-file.ts'
import type { Finding } from '#doctor/check.ts'
import type { Config } from '#environment.ts'

/** Which pg_dumps are installed. None is a warning: files and directories need none. So is a folder in the settings without one. */
export async function checkPgDump(signal: AbortSignal): Promise<Finding> {
  const installed = await findClientPrograms('pg_dump', signal)
  const named = readPostgresPrograms()
  const isMissing = named !== undefined && !installed.some(({ isNamed }) => isNamed)
  if (installed.length > 0) {
    const versions = installed.map(({ version, isNamed }) => (isNamed ? `${version} (${named})` : version))
    return {
      message: `version ${versions.join(', ')}`,
      ...(isMissing && { warning: `TELEGRAM_BACKUP_PG_BIN names ${named}, where no pg_dump is.` }),
    }
  }
  return {
    message: 'not found',
    warning:
      'Only needed to dump PostgreSQL: install a client at least as new as the server (Debian: postgresql-client).',
  }
}

/** Which GNU tar is installed. None is a warning: databases and files need none. */
export async function checkTar(signal: AbortSignal): Promise<Finding> {
  try {
    const { version, keepsAttributes } = await findTar(signal)
    return {
      message: `GNU tar ${version}`,
      ...(keepsAttributes
        ? {}
        : { warning: 'It was built without ACLs or extended attributes; backups lack them.' }),
    }
  } catch (error) {
    const { hint = '' } = describeError(error)
    return { message: 'no GNU tar', warning: `Only needed to back up directories. ${hint}` }
  }
}

/** What telegram-backup.yaml names. None is fine. Throws `CONFIGURATION` for a file or a source that is wrong. */
export async function checkConfigFile(config: Config): Promise<Finding> {
  const file = await readConfigFile(config)
  const { path, sourceNames, targetNames, warnings } = file
  if (path === undefined) return { message: 'no telegram-backup.yaml; none is needed without schedules' }
  // A variable that is not set, and what else cannot be, is found here, not by tonight's backup.
  for (const name of sourceNames) planNamedSource(name, file)
  const [warning] = warnings
  return {
    message: `${sourceNames.length === 0 ? 'none' : sourceNames.join(', ')} in ${path}${targetNames.length === 0 ? '' : `; targets ${targetNames.join(', ')}`}`,
    ...(warning === undefined ? {} : { warning }),
  }
}
