import { describeError } from '@telegram-backup/errors'
import type { Finding } from '#finding.ts'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { atDatabase, type PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { readRestoringRole, rightsBeyond } from '#postgres/restore/restoring-role.ts'
import { MAINTENANCE_DATABASES, saysNoSuchDatabase } from '#postgres/restore/target-database.ts'
import { refuseSharedSessions } from '#postgres/shared-sessions.ts'

const MAJOR = `select pg_catalog.to_json(pg_catalog.current_setting('server_version_num')::pg_catalog.int4 operator(pg_catalog./) 10000)`

/** The rights that a restore would have. Problems are warnings: no backup depends on it. */
export async function checkTarget(connection: PostgresConnection, signal: AbortSignal): Promise<Finding> {
  const psql = (await newestClientProgram('psql', signal)).path
  const failures: unknown[] = []
  for (const database of [undefined, ...MAINTENANCE_DATABASES]) {
    const place = database === undefined ? connection : atDatabase(connection, database)
    try {
      await refuseSharedSessions(place, { psql, signal })
      const major = await queryJson(place, MAJOR, { psql, signal })
      const role = await readRestoringRole(place, { psql, signal })
      const made = database === undefined ? '' : '; the database does not exist, and a restore creates it'
      // Only a backup says which roles it needs.
      const beyond = rightsBeyond(role, role.memberOf)
      return {
        message: `${connection.display}, PostgreSQL ${major}${made}`,
        warning:
          beyond &&
          `A restore runs as ${role.name}, ${beyond}, and so does code that the owners of the source have written. A role that owns the target and has no other rights is safer.`,
      }
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
      // It exists and refuses us: another database of its server is no help.
      if (database === undefined && !saysNoSuchDatabase(error)) break
    }
  }
  const { message, hint = '' } = describeError(failures[0])
  return { message, warning: `Nothing can be restored there now. ${hint}`.trim() }
}
