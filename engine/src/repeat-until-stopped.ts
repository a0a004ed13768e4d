import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '@telegram-backup/errors'
import type { Logger } from '#logging.ts'

/** What is done again and again. Times are milliseconds. */
export interface Repeated {
  /**
   * One round. Its signal fires when it is to stop; the time that it returns is the pause after it, in place
   * of `everyMs`.
   */
  work: (signal: AbortSignal) => Promise<number | undefined>
  /** Between the end of a round and the beginning of the next. */
  everyMs: number
  /** Before the first round; 0 if left out. */
  firstAfterMs?: number | undefined
  /** With each failure the pause doubles, up to this; it does not if left out. */
  longestPauseMs?: number | undefined
  log: Pick<Logger, 'info' | 'warn'>
  /** What is said of a round that failed. */
  failed: string
}

const SAID_AGAIN_AFTER_MS = 3_600_000

/**
 * Does something again and again until it is stopped, whatever it throws. A failure is told to the log when
 * it begins, when it becomes another one, once an hour while it lasts, and when it is over: an outage does
 * not fill the log. It alone keeps no process alive.
 */
export function repeatUntilStopped(of: Repeated): { stop(): Promise<void> } {
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
  let said: { code: string; at: number } | undefined
  return {
    report: (error: unknown): void => {
      count++
      const { code } = describeError(error)
      const now = performance.now()
      if (said?.code === code && now - said.at < SAID_AGAIN_AFTER_MS) return
      said = { code, at: now }
      log.warn({ error, failures: count }, `${failed}; it is tried again`)
    },
    ended: (): void => {
      if (count > 0) log.info({ failures: count }, `it works again, where before: ${failed}`)
      count = 0
      said = undefined
    },
  }
}
