import { createHash } from 'node:crypto'
import type { FiringDecision, Schedule } from '@telegram-backup/database'
import { latestTime, nextTime } from '#cron/cron-times.ts'

/** Later than that, a time was missed: nobody was there to see it come. */
const MISSED_AFTER_MS = 60_000

/**
 * What becomes of a schedule whose time has come. Of several times that have gone by only the newest counts.
 * It makes no job while an earlier one of the schedule waits or runs, or when it was missed and missed times
 * are skipped. A time that was fired for already, before clocks were set back, is refused by the catalog.
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
    return { fireFor: null, nextRunAt, leftOut: 'it was missed, and missed times are skipped' }
  }
  return {
    fireFor: latest,
    runAfter: new Date(latest.getTime() + jitterMs(schedule, latest)),
    nextRunAt,
  }
}

/** Spread evenly over the schedule's jitter; each machine comes to the same. */
export function jitterMs(schedule: Pick<Schedule, 'id' | 'jitter_seconds'>, time: Date): number {
  const hash = createHash('sha256').update(`${schedule.id} ${time.toISOString()}`).digest()
  return Math.floor((hash.readUInt32BE() / 2 ** 32) * schedule.jitter_seconds * 1000)
}
