import { sql } from 'kysely'
import type { Database } from '#index.ts'

/**
 * Times in the catalog are whole milliseconds: waits until its clock shows a later one, so that what comes
 * next is seen to be later.
 */
export async function nextMillisecond(database: Database): Promise<void> {
  const read = async (): Promise<number> => {
    const { rows } = await sql<{ at: Date }>`select clock_timestamp()::timestamptz(3) as at`.execute(
      database.kysely,
    )
    return rows[0]?.at.getTime() ?? 0
  }
  const before = await read()
  while ((await read()) <= before) await read()
}
