import { setTimeout as sleepMs } from 'node:timers/promises'
import { cancelled } from '#telegram-error.ts'

/** Milliseconds from any start. `sleep` ends early when the signal fires. */
export interface Clock {
  now(): number
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleepMs(ms, undefined, { signal }).catch(() => {}),
}

/** Throws `CANCELLED` as soon as the signal fires. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleepMs(ms, undefined, { signal }).catch(() => {
    throw cancelled()
  })
}
