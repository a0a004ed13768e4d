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
  /** Default: the clock of the database, which is the same for all machines. */
  clock?: () => Date
}

/** Another process may create or change a schedule at any time. */
const LONGEST_SLEEP_MS = 5_000
const SHORTEST_SLEEP_MS = 20

/** Creates the jobs of schedules until it is stopped. Any number of processes may do this on one catalog. */
export function startScheduler(options: SchedulerOptions): { stop(): Promise<void> } {
  return repeatUntilStopped({
    work: async () => {
      await fireSchedules(options)
      return await timeUntilNext(options)
    },
    everyMs: LONGEST_SLEEP_MS,
    log: options.log,
    failed: 'the schedules could not be read',
  })
}

/** One round: creates the jobs whose time has come, and returns them. */
export async function fireSchedules({ database, deliver, log, clock }: SchedulerOptions): Promise<Job[]> {
  const jobs = await fireDueSchedules(
    database,
    (schedule, facts) => {
      try {
        const decision = decideFiring(schedule, facts)
        if (decision.leftOut !== undefined) {
          const { id: schedule_id, source, next_run_at: due } = schedule
          log.info({ schedule_id, source, due, reason: decision.leftOut }, 'a scheduled run was skipped')
        }
        return decision
      } catch (error) {
        // A schedule that cannot be read, for example a recovered one, must not stop the others.
        log.error({ schedule_id: schedule.id, error }, 'a schedule cannot be read')
        return { fireFor: null, nextRunAt: null }
      }
    },
    deliver,
    { now: clock?.() },
  )
  for (const { id: job_id, schedule_id, source, scheduled_for, run_after } of jobs) {
    log.info({ job_id, schedule_id, source, scheduled_for, run_after }, 'a schedule created a job')
  }
  return jobs
}

/** The time until the next run, in ms. Corrects a next time that is too far away: its clock was wrong. */
async function timeUntilNext({ database, clock }: SchedulerOptions): Promise<number> {
  const found = await enabledSchedules(database)
  const now = clock?.() ?? found.now
  let waitMs = LONGEST_SLEEP_MS
  for (const schedule of found.schedules) {
    const next = readableNext(schedule, now)
    if (next === undefined) continue
    const known = schedule.next_run_at
    const due = known !== null && known <= next ? known : next
    if (due !== known) await retimeSchedule(database, schedule, next)
    waitMs = Math.min(waitMs, due.getTime() - now.getTime())
  }
  return Math.max(waitMs, SHORTEST_SLEEP_MS)
}

/** Undefined for a schedule that cannot be read, which was logged when it was due. */
function readableNext(schedule: Schedule, now: Date): Date | undefined {
  try {
    return nextTime(schedule, now)
  } catch {
    return undefined
  }
}
