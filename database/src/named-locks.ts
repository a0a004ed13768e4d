import { type RawBuilder, sql, type Transaction } from 'kysely'
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

function keyOf(name: string): RawBuilder<bigint> {
  return sql`pg_catalog.hashtextextended(${name}::text, 0::bigint)`
}
