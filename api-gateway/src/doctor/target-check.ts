import type { TargetSettings } from '#config-file-schema.ts'
import type { Finding } from '#doctor/check.ts'
import { describeError } from '#lib/backups/backup-error.ts'
import { atDatabase, type PostgresConnection, parsePostgresUrl } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'

const LOOK = `begin transaction read only;
select pg_catalog.set_config('search_path', '', true);
select pg_catalog.to_json(pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000);
commit;`

/** Databases of a server that are there whatever else is. */
const MAINTENANCE = ['postgres', 'template1']

/** Whether the target's server lets us in. What is wrong is a warning: no backup waits for it. */
export async function checkTarget({ postgres }: TargetSettings, signal: AbortSignal): Promise<Finding> {
  const connection = parsePostgresUrl(postgres)
  const failures: unknown[] = []
  for (const database of [undefined, ...MAINTENANCE]) {
    const place: PostgresConnection = database === undefined ? connection : atDatabase(connection, database)
    try {
      const major = await queryJson(place, LOOK, { signal })
      const made = database === undefined ? '' : '; the database is not there, a restore makes it'
      return { message: `${connection.display}, PostgreSQL ${major}${made}` }
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
    }
  }
  const { message, hint = '' } = describeError(failures[0])
  return { message, warning: `Nothing can be restored there now. ${hint}`.trim() }
}
