import { setTimeout as sleepMs } from 'node:timers/promises'

/** Milliseconds from any start. `sleep` ends early when the signal fires. */
export interface Clock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Never goes back. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleepMs(ms, undefined, { signal }).catch(() => {}),
}
