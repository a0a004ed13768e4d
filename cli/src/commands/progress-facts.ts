import { count, formatBytes, formatSeconds } from '@telegram-backup/engine/units/human-units.ts'
import type { ProgressReading } from '@telegram-backup/engine/units/progress-meter.ts'
import { type ProgressFact, progressBar } from '#commands/progress-line.ts'

/** `[####----]`, `45 %`; nothing while the whole is unknown. */
export function shareFacts({ fraction }: Pick<ProgressReading, 'fraction'>, about = ''): ProgressFact[] {
  if (fraction === undefined) return []
  return [
    { text: progressBar(fraction), rank: 9 },
    { text: `${about}${String(Math.floor(fraction * 100)).padStart(3)} %`, rank: 1 },
  ]
}

/** `28.0 MiB/s`, `0:13 left`; what is not known is left out. */
export function timeFacts({
  bytesPerSecond,
  secondsLeft,
}: Pick<ProgressReading, 'bytesPerSecond' | 'secondsLeft'>): ProgressFact[] {
  return [
    ...(bytesPerSecond ? [{ text: `${formatBytes(Math.round(bytesPerSecond))}/s`, rank: 5 }] : []),
    ...(secondsLeft === undefined
      ? []
      : [{ text: `${formatSeconds(Math.ceil(secondsLeft))} left`, rank: 2 }]),
  ]
}

/** `12 of 27 parts`; `12 parts` while the number of all is unknown. */
export function countFact(done: number, total: number | undefined, noun: string): ProgressFact {
  const words = total === undefined ? count(done, noun) : `${done} of ${count(total, noun)}`
  return { text: words, rank: 3 }
}

/** What was done, and how long it took. */
export interface Work {
  bytes?: number | undefined
  seconds: number
  /** How many, of what: `part`. */
  items?: readonly [number, string] | undefined
}

/** `143.0 MiB in 5.1 s, 28.0 MiB/s, 8 parts`. */
export function describeWork({ bytes, seconds, items }: Work): string {
  const took = formatDuration(seconds)
  const things = items === undefined ? [] : [count(...items)]
  if (bytes === undefined) return `${things.join('')} in ${took}`
  // Over a shorter time the rate says nothing.
  const rate = seconds >= 0.1 ? [`${formatBytes(Math.round(bytes / seconds))}/s`] : []
  return [`${formatBytes(bytes)} in ${took}`, ...rate, ...things].join(', ')
}

/** `5.1 s`, and from a minute on `2:05`. */
export function formatDuration(seconds: number): string {
  return seconds < 59.95 ? `${Math.max(0, seconds).toFixed(1)} s` : formatSeconds(seconds)
}
