import { createHash } from 'node:crypto'
import type { FiringDecision, Schedule } from '@telegram-backup/database'
import { latestTime, nextTime } from '#cron/cron-times.ts'

/** A run that is later than this was missed: no process was there. */
const MISSED_AFTER_MS = 60_000

/**
 * What a schedule does when its time has come. Of several past times, only the newest counts. It creates no
 * job while an earlier job of the schedule waits or runs, or for a missed run when missed runs are skipped.
 * The catalog refuses a second job for the same time, as after clocks were set back.
 */
export function decideFiring(
  schedule: Schedule,
  { isBusy, now }: { isBusy: boolean; now: Date },
): FiringDecision & { leftOut?: string } {
  const nextRunAt = nextTime(schedule, now)
  const latest = latestTime(schedule, now)
  const due = schedule.next_run_at
  if (latest === null || due === null || latest < due) return { fireFor: null, nextRunAt }
  if (isBusy) return { fireFor: null, nextRunAt, leftOut: 'the job before it has not ended' }
  const isMissed = now.getTime() - latest.getTime() >= MISSED_AFTER_MS
  if (isMissed && schedule.catch_up === 'skip') {
    return { fireFor: null, nextRunAt, leftOut: 'it was missed, and missed runs are skipped' }
  }
  const runAfter = new Date(latest.getTime() + jitterMs(schedule, latest))
  return { fireFor: latest, runAfter, nextRunAt }
}

/** Spread evenly over the schedule's jitter; equal on every machine. */
export function jitterMs(schedule: Pick<Schedule, 'id' | 'jitter_seconds'>, time: Date): number {
  const hash = createHash('sha256').update(`${schedule.id} ${time.toISOString()}`).digest()
  return Math.floor((hash.readUInt32BE() / 2 ** 32) * schedule.jitter_seconds * 1000)
}
