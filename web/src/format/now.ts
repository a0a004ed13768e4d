import { useSyncExternalStore } from 'react'
import { currentTime } from '#format/clock.ts'

/** How old a shown age may be. */
const PERIOD_MS = 15_000

const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined
let now = currentTime()

function tick(): void {
  now = currentTime()
  for (const listener of listeners) listener()
}

/** One clock for the whole page, which stands still while nothing shows an age. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  now = currentTime()
  timer ??= setInterval(tick, PERIOD_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function read(): number {
  return now
}

/** Milliseconds since 1970; it goes on every 15 seconds. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, read, read)
}
