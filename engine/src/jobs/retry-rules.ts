import type { Job } from '@telegram-backup/database'

/**
 * How often, and after which pauses, something is tried again that fails with one code; the last pause holds
 * for all that come after. Milliseconds.
 */
interface Patience {
  tries: number
  pausesMs: readonly number[]
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** Somebody else is at it, and will be done; waiting costs nothing. */
const WAIT_FOR_OTHERS: Patience = { tries: 50, pausesMs: [2 * SECOND_MS, 5 * SECOND_MS, 15 * SECOND_MS] }
/**
 * The chat or the catalog is away. The client has tried again by itself before that. Short pauses for ten
 * minutes, since while a job waits the schedule's next times are left out; in all a good hour.
 */
const OUTAGE: Patience = {
  tries: 24,
  pausesMs: [10 * SECOND_MS, 30 * SECOND_MS, ...Array<number>(10).fill(MINUTE_MS), 5 * MINUTE_MS],
}
/** It may have been bad luck: a dump that lost its connection, a message that came out wrong. */
const ONCE_MORE: Patience = { tries: 3, pausesMs: [30 * SECOND_MS, 5 * MINUTE_MS] }

/**
 * What is tried again, by the code of the error. Whatever is not named here ends the job: a person has to
 * change something first, or trying again would do harm.
 */
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
  POSTGRES: ONCE_MORE,
  UNFINISHED: ONCE_MORE,
}

/** A process that dies over a job so often dies of it. */
const MOST_DEATHS = 20

/** What is asked of a job; its `tries` are those before the failure that is judged. */
type Judged = Pick<Job, 'kind' | 'source' | 'tries'>

/**
 * How long to wait before a job that failed with this code is tried again, in milliseconds; undefined for not
 * at all.
 */
export function pauseBeforeRetry(job: Judged, code: string): number | undefined {
  if (!mayBeBegunAgain(job)) return undefined
  const patience = Object.hasOwn(PATIENCE, code) ? PATIENCE[code] : undefined
  const tries = triesOf(job, code) + 1
  if (patience === undefined || tries >= patience.tries) return undefined
  return patience.pausesMs[Math.min(tries, patience.pausesMs.length) - 1]
}

/** Whether a job goes on whose process ended in the middle of it. */
export function goesOnAfterCut(job: Judged): boolean {
  return mayBeBegunAgain(job) && triesOf(job, 'INTERRUPTED') + 1 < MOST_DEATHS
}

/**
 * Not a restore: it changes what a person looks at, and only a person says that it is to be done once more.
 * Not an upload: its bytes came by one connection, and are gone.
 */
export function mayBeBegunAgain({ kind, source }: Pick<Job, 'kind' | 'source'>): boolean {
  return kind !== 'restore' && (kind !== 'backup' || source !== null)
}

function triesOf({ tries }: Judged, code: string): number {
  return Object.hasOwn(tries, code) ? (tries[code] ?? 0) : 0
}
