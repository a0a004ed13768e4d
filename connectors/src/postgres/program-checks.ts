import type { Finding } from '#finding.ts'
import { findClientPrograms, knowsRestrict, readPostgresPrograms } from '#postgres/client-programs.ts'

/**
 * Which pg_dumps are installed. Warns of none, and of a configured folder without one; other kinds need none.
 */
export async function checkPgDump(signal: AbortSignal): Promise<Finding> {
  const installed = await findClientPrograms('pg_dump', signal)
  const named = readPostgresPrograms()
  const isMissing = named !== undefined && !installed.some(({ isNamed }) => isNamed)
  if (installed.length > 0) {
    const versions = installed.map(({ version, isNamed }) => (isNamed ? `${version} (${named})` : version))
    return {
      message: `version ${versions.join(', ')}`,
      warning: isMissing ? `TELEGRAM_BACKUP_PG_BIN names ${named}, where no pg_dump is.` : undefined,
    }
  }
  return {
    message: 'not found',
    warning:
      'Only needed to dump PostgreSQL: install a client at least as new as the server (Debian: postgresql-client).',
  }
}

/** Which psql a restore would use, and whether it can be kept from obeying a dump. Problems are warnings. */
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
