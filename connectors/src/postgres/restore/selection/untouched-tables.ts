import { BackupError, hint, run } from '@telegram-backup/errors'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'

/**
 * Locks that show that rows or definitions of a table were changed; a foreign key, a trigger and an heir take
 * others. Only tables that were there before are seen from outside of the transaction.
 */
const CHANGED = `
select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.format('%I.%I', nspname, relname)), '[]')
from pg_catalog.pg_stat_activity a
  join pg_catalog.pg_locks l on l.pid = a.pid
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.backend_xid = (:'id'::pg_catalog.xid8)::pg_catalog.xid
  and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
  and c.relkind in ('r', 'p', 'v', 'm', 'f') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
  and l.mode in ('RowExclusiveLock', 'ShareLock', 'ExclusiveLock', 'AccessExclusiveLock')`

/**
 * Throws `UNRESTORABLE` when the transaction has changed a table that was there before: the selection names
 * only new ones, but functions that a dump calls may do anything.
 */
export async function assertOthersUntouched(
  connection: PostgresConnection,
  of: { transactionId: string; psql: string; signal: AbortSignal },
): Promise<void> {
  const { transactionId: id, psql, signal } = of
  const changed = (await queryJson(connection, CHANGED, { psql, signal, variables: { id } })) as string[]
  if (changed.length === 0) return
  throw new BackupError(
    `The part that was to be restored would change ${changed.slice(0, 5).join(', ')}, which is not in it`,
    {
      code: 'UNRESTORABLE',
      hint: hint`An event trigger of the database may do that, or a function that a default, a check or an index calls. Disable such a trigger; if there is none, restore the whole backup into a new database, or get the file with "${run('fetch')}" and look at it.`,
    },
  )
}
