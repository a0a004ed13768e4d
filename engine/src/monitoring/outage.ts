import { setTimeout as sleep } from 'node:timers/promises'
import { BackupError, type DescribedError } from '@telegram-backup/errors'
import type { ChatTrouble } from '#monitoring/conditions.ts'

/** Tracks whether something can be used, since when not, and why not by the last try. */
export interface Outage {
  /** Null while it can be used. */
  readonly trouble: ChatTrouble | null
  /** It cannot be used now. `isNotOurs`: it answers, but belongs to another catalog. */
  goesOn(why: DescribedError, isNotOurs?: boolean): void
  ended(): void
}

/** At first it counts as usable. */
export function watchOutage(): Outage {
  let trouble: Omit<ChatTrouble, 'forMs'> | null = null
  /** By the monotonic clock. */
  let began = 0
  return {
    get trouble() {
      return trouble && { ...trouble, forMs: performance.now() - began }
    },
    goesOn: ({ code, message, hint }, isNotOurs = false) => {
      // A chat that comes back as another catalog's has this trouble only since now.
      const isNew = trouble === null || trouble.isNotOurs !== isNotOurs
      if (isNew) began = performance.now()
      const since = trouble === null || isNew ? Date.now() : trouble.since
      trouble = { since, isNotOurs, code, message, hint }
    },
    ended: () => {
      trouble = null
    },
  }
}

/** Since when this process sees that the conditions of open alerts no longer hold. */
export interface Recoveries {
  look(wrong: readonly { key: string }[], openAlerts: ReadonlySet<string>): void
  /**
   * When the condition first no longer held, by the clock of `now`; not before another process last saw it.
   */
  since(alert: { key: string; seen_at: Date }, now: Date): Date
}

/** A recovery is announced when it is certain, some time after it happened; this keeps the earlier time. */
export function watchRecoveries(): Recoveries {
  /** By the monotonic clock. */
  const began = new Map<string, number>()
  return {
    look: (wrong, openAlerts) => {
      const found = new Set(wrong.map(({ key }) => key))
      for (const key of began.keys()) if (found.has(key) || !openAlerts.has(key)) began.delete(key)
      for (const key of openAlerts) if (!found.has(key) && !began.has(key)) began.set(key, performance.now())
    },
    since: ({ key, seen_at }, now) => {
      const firstRight = began.get(key)
      if (firstRight === undefined) return seen_at
      return new Date(Math.max(seen_at.getTime(), now.getTime() - (performance.now() - firstRight)))
    },
  }
}

/** The result of the work, or the error `CATALOG` after that time; the work itself continues. */
export async function within<Result>(
  ms: number,
  work: Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const limit = new AbortController()
  const stop = signal ? AbortSignal.any([signal, limit.signal]) : limit.signal
  work.catch(() => {})
  try {
    const tooLong = sleep(ms, undefined, { signal: stop }).then(() => {
      throw new BackupError('The catalog did not answer in time', { code: 'CATALOG' })
    })
    return await Promise.race([work, tooLong])
  } finally {
    limit.abort()
  }
}
