import {
  type Database,
  type DeliverJob,
  enabledSchedules,
  fireDueSchedules,
  type Job,
  retimeSchedule,
  type Schedule,
} from '@telegram-backup/database'
import { nextTime } from '#cron/cron-times.ts'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import { decideFiring } from '#schedules/firing.ts'

export interface SchedulerOptions {
  database: Database
  deliver: DeliverJob
  log: Pick<Logger, 'info' | 'warn' | 'error'>
  /** What time it is; the database's clock if left out, which is the same for all machines. */
  clock?: () => Date
}

/** Schedules are looked at at least so often: one may have been made or changed by another process. */
const LONGEST_SLEEP_MS = 5_000
const SHORTEST_SLEEP_MS = 20

/**
 * Fires schedules when their time comes, until it is stopped. Any number of processes may do so on one
 * catalog. A catalog that is away is told to the log, and asked again.
 */
export function startScheduler(options: SchedulerOptions): { stop(): Promise<void> } {
  return repeatUntilStopped({
    work: async () => {
      await fireSchedules(options)
      return await timeUntilNext(options)
    },
    everyMs: LONGEST_SLEEP_MS,
    log: options.log,
    failed: 'schedules could not be looked at',
  })
}

/** One look: makes the jobs whose time has come, and gives them back. */
export async function fireSchedules({ database, deliver, log, clock }: SchedulerOptions): Promise<Job[]> {
  const jobs = await fireDueSchedules(
    database,
    (schedule, facts) => {
      try {
        const decision = decideFiring(schedule, facts)
        if (decision.leftOut !== undefined) {
          const { id: schedule_id, source, next_run_at: due } = schedule
          log.info(
            { schedule_id, source, due, reason: decision.leftOut },
            'a time of a schedule was left out',
          )
        }
        return decision
      } catch (error) {
        // A schedule that cannot be read, such as a recovered one, must not stop the others.
        log.error({ schedule_id: schedule.id, error }, 'a schedule cannot be read')
        return { fireFor: null, nextRunAt: null }
      }
    },
    deliver,
    { now: clock?.() },
  )
  for (const { id: job_id, schedule_id, source, scheduled_for, run_after } of jobs) {
    log.info({ job_id, schedule_id, source, scheduled_for, run_after }, 'a schedule has made a job')
  }
  return jobs
}

/**
 * How long nothing comes, in ms. A next time that lies too far off is set right: the clock it was reckoned by
 * was wrong.
 */
async function timeUntilNext({ database, clock }: SchedulerOptions): Promise<number> {
  const found = await enabledSchedules(database)
  const now = clock?.() ?? found.now
  let waitMs = LONGEST_SLEEP_MS
  for (const schedule of found.schedules) {
    const next = readableNext(schedule, now)
    if (next === undefined) continue
    const isAsReckoned = schedule.next_run_at !== null && schedule.next_run_at <= next
    if (!isAsReckoned) await retimeSchedule(database, schedule, next)
    const due = isAsReckoned && schedule.next_run_at !== null ? schedule.next_run_at : next
    waitMs = Math.min(waitMs, due.getTime() - now.getTime())
  }
  return Math.max(waitMs, SHORTEST_SLEEP_MS)
}

/** Undefined for one that cannot be read; that was told when it was to fire. */
function readableNext(schedule: Schedule, now: Date): Date | undefined {
  try {
    return nextTime(schedule, now)
  } catch {
    return undefined
  }
}
