import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#logging.ts'
import { callUrl } from '#monitoring/http-call.ts'

/**
 * Calls a URL as long as all is well; whoever is behind it raises the alarm when the calls stay away. So a
 * process that died, a machine without network and a watch that hangs are noticed as well.
 */
export function startHeartbeat(options: { url: URL; everyMs: number; isWell: () => boolean; log: Logger }): {
  stop(): Promise<void>
} {
  const { url, everyMs, isWell, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let wasWell = true
  const beat = async (): Promise<void> => {
    if (wasWell !== isWell()) {
      wasWell = isWell()
      if (wasWell) log.info('the heartbeat goes on')
      else log.warn('no heartbeat: not all is well')
    }
    if (!wasWell) return
    await callUrl(url, { signal, timeLimitMs: Math.min(10_000, everyMs) }).catch((error: unknown) => {
      if (!signal.aborted) log.warn({ error }, 'the heartbeat was not heard')
    })
  }
  const loop = async (): Promise<void> => {
    // The first look has to be over; a beat late is better than an alarm at each start.
    while (!signal.aborted && !isWell()) await pause(Math.min(1000, everyMs), signal)
    while (!signal.aborted) {
      await beat()
      await pause(everyMs, signal)
    }
  }
  const looping = loop()
  return {
    stop: async () => {
      stopping.abort()
      await looping
    },
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
