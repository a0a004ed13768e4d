import { findClientPrograms } from '@telegram-backup/connectors/postgres/client-programs.ts'
import { knowsRestrict } from '@telegram-backup/connectors/postgres/psql-restriction.ts'
import type { Finding } from '#doctor/check.ts'

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
