import type { Job } from '#api/generated/types.gen.ts'

/** The API gives so many jobs at once. */
export const MOST_JOBS = 200

const DAY_MS = 86_400_000

export interface LastDayJobs {
  /** Newest first. */
  shown: Job[]
  counts: { done: number; failed: number; cancelled: number; open: number }
  /** From when on all jobs are among them. */
  since: Date
  /** There were more than are shown. */
  isCut: boolean
}

/**
 * The jobs that were at work within 24 hours before `now`.
 * @param newest the newest jobs, newest first
 */
export function jobsOfLastDay(newest: readonly Job[], now: Date): LastDayJobs {
  const begin = now.getTime() - DAY_MS
  const shown = newest.filter(
    ({ created_at, finished_at }) => Date.parse(finished_at ?? created_at) >= begin || finished_at === null,
  )
  const oldest = shown.at(-1)
  const isCut = newest.length >= MOST_JOBS && shown.length === newest.length && oldest !== undefined
  const count = (...states: Job['state'][]): number =>
    shown.filter(({ state }) => states.includes(state)).length
  return {
    shown,
    counts: {
      done: count('done'),
      failed: count('failed'),
      cancelled: count('cancelled'),
      open: count('queued', 'running'),
    },
    since: isCut ? new Date(oldest.created_at) : new Date(begin),
    isCut,
  }
}
