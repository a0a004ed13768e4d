import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'

/** Waits for the lock of that name on this catalog; it is held until the transaction ends. */
export async function lockByName(trx: Transaction<CatalogSchema>, name: string): Promise<void> {
  await sql`select pg_catalog.pg_advisory_xact_lock(${keyOf(name)})`.execute(trx)
}

/** The same without waiting; false while another transaction holds it. */
export async function tryLockByName(trx: Transaction<CatalogSchema>, name: string): Promise<boolean> {
  const { rows } = await sql<{ locked: boolean }>`
    select pg_catalog.pg_try_advisory_xact_lock(${keyOf(name)}) as locked
  `.execute(trx)
  return rows[0]?.locked === true
}

/** When the transaction began that holds the lock of that name; undefined when none can be seen. */
export async function heldByNameSince(
  kysely: Kysely<CatalogSchema>,
  name: string,
): Promise<Date | undefined> {
  const { rows } = await sql<{ since: Date | null }>`
    select session.xact_start as since
      from pg_catalog.pg_locks held join pg_catalog.pg_stat_activity session using (pid)
     where held.locktype = 'advisory' and held.granted and held.objsubid = 1
       and (held.classid::bigint << 32 | held.objid::bigint) = ${keyOf(name)}
       and session.datname = pg_catalog.current_database()
  `.execute(kysely)
  return rows[0]?.since ?? undefined
}

function keyOf(name: string): RawBuilder<bigint> {
  return sql`pg_catalog.hashtextextended(${name}::text, 0::bigint)`
}
