import { setTimeout as sleep } from 'node:timers/promises'
import { BackupError } from '@telegram-backup/errors'
import { CatalogError } from '#catalog-error.ts'

/** What a caller does while another run holds what it needs. Without it, it fails at once with BUSY. */
export interface LockWait {
  /** How long it waits for each lock, in ms. */
  forMs: number
  /** Gets a line that says who holds the lock and since when, every half minute. */
  note(line: string): void
  /** Ends the wait. */
  signal: AbortSignal
}

const TRY_AGAIN_MS = 1_000
const NOTE_EVERY_MS = 30_000

/** Notes who holds a lock: at once, and again after each half minute. */
export function waitingNotes({ forMs, note }: Pick<LockWait, 'forMs' | 'note'>): (holder: string) => void {
  const since = performance.now()
  let notedAt = Number.NEGATIVE_INFINITY
  return holder => {
    const now = performance.now()
    if (now - notedAt < NOTE_EVERY_MS) return
    notedAt = now
    note(`waiting, ${Math.ceil((forMs - (now - since)) / 1000)} s at most: ${holder}`)
  }
}

/**
 * Tries until it does not throw CatalogError BUSY, or the time to wait is over. `attempt` changes nothing
 * when it throws BUSY. Throws `CANCELLED` when the signal fires meanwhile.
 */
export async function whenFree<Result>(
  { lockWait }: { lockWait?: LockWait | undefined },
  attempt: () => Promise<Result>,
): Promise<Result> {
  if (lockWait === undefined) return await attempt()
  const deadline = performance.now() + lockWait.forMs
  const notes = waitingNotes(lockWait)
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof CatalogError) || error.code !== 'BUSY' || performance.now() >= deadline)
        throw error
      notes(error.message)
    }
    const pauseMs = Math.min(TRY_AGAIN_MS, Math.max(0, deadline - performance.now()))
    await sleep(pauseMs, undefined, { signal: lockWait.signal }).catch(() => {
      throw new BackupError('Cancelled', { code: 'CANCELLED' })
    })
  }
}
