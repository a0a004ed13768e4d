import { setTimeout as sleepMs } from 'node:timers/promises'

/** Time as paces and rates see it, in milliseconds from any start. `sleep` ends early when the signal fires. */
export interface Clock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The machine's own, which never goes back. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleepMs(ms, undefined, { signal }).catch(() => {}),
}
