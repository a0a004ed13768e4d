import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#logging.ts'
import { callUrl } from '#monitoring/http-call.ts'
import type { ServicePart } from '#service-part.ts'

/**
 * Calls a URL while all is well. Its receiver raises the alarm when the calls stop, so a dead process, a
 * machine without network and a hanging watch are noticed as well.
 */
export function startHeartbeat(options: {
  url: URL
  everyMs: number
  isWell: () => boolean
  log: Logger
}): ServicePart {
  const { url, everyMs, isWell, log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let wasWell = true
  const beat = async (): Promise<void> => {
    if (wasWell !== isWell()) {
      wasWell = isWell()
      if (wasWell) log.info('the heartbeat continues')
      else log.warn('no heartbeat while there is a problem')
    }
    if (!wasWell) return
    await callUrl(url, { signal, timeLimitMs: Math.min(10_000, everyMs) }).catch((error: unknown) => {
      if (!signal.aborted) log.warn({ error }, 'the heartbeat was not delivered')
    })
  }
  const loop = async (): Promise<void> => {
    // Waits for the first check: a late beat is better than an alarm at each start.
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
