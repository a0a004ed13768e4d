import { sql } from 'kysely'
import type { Database } from '#database.ts'

/** The time by the catalog's server; the clocks of machines differ. */
export async function catalogClock(database: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(database.kysely)
  const [row] = rows
  return row?.now ?? new Date()
}
