import { catalogClock } from '#clock.ts'
import type { Database } from '#database.ts'
import type { Schedule } from '#jobs/types.job.ts'

/** The enabled schedules, and the time by the database's clock. */
export async function enabledSchedules(database: Database): Promise<{ now: Date; schedules: Schedule[] }> {
  const now = await catalogClock(database)
  const schedules = await database.kysely
    .selectFrom('schedules')
    .selectAll()
    .where('enabled', '=', true)
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return { now, schedules }
}

/** Sets the next time of an enabled schedule, unless it was changed since it was read. */
export async function retimeSchedule(
  database: Database,
  schedule: Pick<Schedule, 'id' | 'next_run_at' | 'updated_at'>,
  nextRunAt: Date | null,
): Promise<void> {
  await database.kysely
    .updateTable('schedules')
    .set({ next_run_at: nextRunAt })
    .where('id', '=', schedule.id)
    .where('enabled', '=', true)
    .where('updated_at', '=', schedule.updated_at)
    .where('next_run_at', 'is not distinct from', schedule.next_run_at)
    .execute()
}
