import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '@telegram-backup/errors'
import type { Logger } from '#logging.ts'
import type { ServicePart } from '#service-part.ts'

/** Repeated work. Times are milliseconds. */
export interface Repeated {
  /** One round; its signal fires when it has to stop. May return the pause after it, instead of `everyMs`. */
  work: (signal: AbortSignal) => Promise<number | undefined>
  /** Between the end of a round and the beginning of the next. */
  everyMs: number
  /** Before the first round; 0 by default. */
  firstAfterMs?: number | undefined
  /** With each failure the pause doubles, up to this; by default it stays the same. */
  longestPauseMs?: number | undefined
  log: Pick<Logger, 'info' | 'warn'>
  /** The log message for a failed round. */
  failed: string
}

const LOGGED_AGAIN_AFTER_MS = 3_600_000

/**
 * Repeats work until it is stopped, also after errors. A failure is logged when it begins, when it changes,
 * once an hour, and when it is over, so that an outage does not fill the log. It does not keep the process
 * alive.
 */
export function repeatUntilStopped(of: Repeated): ServicePart {
  const stopping = new AbortController()
  const running = repeat(of, stopping.signal)
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}

async function repeat(of: Repeated, signal: AbortSignal): Promise<void> {
  const { work, everyMs, firstAfterMs = 0, longestPauseMs = everyMs } = of
  const failures = failureLog(of)
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal, ref: false }).catch(() => undefined)
  let failurePauseMs = everyMs
  if (firstAfterMs > 0) await pause(firstAfterMs)
  while (!signal.aborted) {
    try {
      const pauseMs = await work(signal)
      failures.ended()
      failurePauseMs = everyMs
      await pause(pauseMs ?? everyMs)
    } catch (error) {
      if (signal.aborted) return
      failures.report(error)
      failurePauseMs = Math.min(failurePauseMs * 2, Math.max(longestPauseMs, everyMs))
      await pause(failurePauseMs)
    }
  }
}

function failureLog({ log, failed }: Pick<Repeated, 'log' | 'failed'>) {
  let count = 0
  let logged: { code: string; at: number } | undefined
  return {
    report: (error: unknown): void => {
      count++
      const { code } = describeError(error)
      const now = performance.now()
      if (logged?.code === code && now - logged.at < LOGGED_AGAIN_AFTER_MS) return
      logged = { code, at: now }
      log.warn({ error, failures: count }, `${failed}; trying again`)
    },
    ended: (): void => {
      if (count > 0) log.info({ failures: count }, `it works again; before: ${failed}`)
      count = 0
      logged = undefined
    },
  }
}
