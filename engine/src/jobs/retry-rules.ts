import type { Job } from '@telegram-backup/database'

/** How many tries there are for one error code, and the pauses between them; the last pause repeats. */
interface Patience {
  tries: number
  pausesMs: readonly number[]
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** Another process works on it and will finish; waiting costs nothing. */
const WAIT_FOR_OTHERS: Patience = { tries: 50, pausesMs: [2 * SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS] }
/**
 * The chat or the catalog cannot be reached; the client has already retried. Over an hour in all, with short
 * pauses in the first ten minutes, because a schedule skips its next times while its job waits.
 */
const OUTAGE: Patience = {
  tries: 24,
  pausesMs: [10 * SECOND_MS, 30 * SECOND_MS, ...Array<number>(10).fill(MINUTE_MS), 5 * MINUTE_MS],
}
/** It may have been an accident: a dump that lost its connection, a message that arrived damaged. */
const ONCE_MORE: Patience = { tries: 3, pausesMs: [30 * SECOND_MS, 5 * MINUTE_MS] }

/** By the code of the error. Any other code ends the job: a person has to change something first. */
const PATIENCE: Readonly<Record<string, Patience>> = {
  BUSY: WAIT_FOR_OTHERS,
  CONFLICT: ONCE_MORE,
  LEASE_LOST: WAIT_FOR_OTHERS,
  UNREACHABLE: OUTAGE,
  ANSWER_LOST: OUTAGE,
  CATALOG: OUTAGE,
  REFUSED: ONCE_MORE,
  UNPROVEN: ONCE_MORE,
  SOURCE: ONCE_MORE,
  HOOK: ONCE_MORE,
  POSTGRES: ONCE_MORE,
  UNFINISHED: ONCE_MORE,
}

/** A job that so many processes died of is the reason for it. */
const MOST_DEATHS = 20

/** `tries` do not count the failure in question. */
type Judged = Pick<Job, 'kind' | 'source' | 'tries'>

/** The pause before the next try of a job that failed with this code, in ms; undefined when there is none. */
export function pauseBeforeRetry(job: Judged, code: string): number | undefined {
  if (!mayBeBegunAgain(job)) return undefined
  const patience = Object.hasOwn(PATIENCE, code) ? PATIENCE[code] : undefined
  const tries = triesOf(job, code) + 1
  if (patience === undefined || tries >= patience.tries) return undefined
  return patience.pausesMs[Math.min(tries, patience.pausesMs.length) - 1]
}

/** Whether a job whose process ended early is run again. */
export function goesOnAfterCut(job: Judged): boolean {
  return mayBeBegunAgain(job) && triesOf(job, 'INTERRUPTED') + 1 < MOST_DEATHS
}

/** Not a restore: only a person may decide to repeat it. Not an upload: its bytes are gone. */
export function mayBeBegunAgain({ kind, source }: Pick<Job, 'kind' | 'source'>): boolean {
  return kind !== 'restore' && (kind !== 'backup' || source !== null)
}

function triesOf({ tries }: Judged, code: string): number {
  return Object.hasOwn(tries, code) ? (tries[code] ?? 0) : 0
}
