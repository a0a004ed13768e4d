import { sql } from 'kysely'
import type { Database } from '#database.ts'

/** What time it is by the catalog's server: machines may differ. */
export async function catalogClock(database: Database): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(database.kysely)
  const [row] = rows
  return row?.now ?? new Date()
}
