import { sql } from 'kysely'
import type { Database } from '#database.ts'

/** The time by the catalog's server; the clocks of machines differ. */
export async function catalogClock({ kysely }: Pick<Database, 'kysely'>): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(kysely)
  return rows[0]?.now ?? new Date()
}
