import { parseCron, type WallTimes } from '#cron/cron-expression.ts'
import { nextChange, type OffsetAt, timeZone } from '#cron/time-zone.ts'

/** When something is to run: five cron fields, read in an IANA time zone. */
export interface CronTime {
  cron: string
  timezone: string
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** 29 February may be eight years off. */
const LONGEST_WAIT_MS = 9 * 366 * DAY_MS
/** Clocks were never put back by more. */
const LONGEST_REPEAT_MS = 26 * 3_600_000

/**
 * The first time after `after`. When the clocks are changed: what falls into the time that is skipped comes
 * once, right after it; what falls into the time that comes twice, comes the first time only. An expression
 * for every hour (`*`) goes by the time that passes, and has neither. Throws `INVALID` for what is no
 * expression or no time zone.
 */
export function nextTime({ cron, timezone }: CronTime, after: Date): Date {
  return new Date(nextInstant(parseCron(cron), timeZone(timezone), after.getTime()))
}

function nextInstant(times: WallTimes, offsetAt: OffsetAt, after: number): number {
  let offset = offsetAt(after)
  let from = after
  let wall = Math.max(after + offset, lastOfTheFirstRound(times, offsetAt, after))
  for (;;) {
    const next = times.next(wall)
    const change = nextChange(offsetAt, from, next - offset)
    if (change === null) return next - offset
    const later = offsetAt(change)
    const isSkipped = next < change + later
    if (isSkipped && !times.isEveryHour) return change
    // The next wall time is one that the new clocks show; of those that they show again, only the times that
    // pass count.
    wall = change + (times.isEveryHour ? later : Math.max(offset, later)) - 1
    from = change
    offset = later
  }
}

/** While the clocks show a time again: the last wall time that they have shown already. */
function lastOfTheFirstRound(times: WallTimes, offsetAt: OffsetAt, instant: number): number {
  if (times.isEveryHour) return Number.NEGATIVE_INFINITY
  const change = nextChange(offsetAt, instant - LONGEST_REPEAT_MS, instant)
  return change === null ? Number.NEGATIVE_INFINITY : change + offsetAt(change - 1) - 1
}

/** The last time that is not after `until`; null when there was none within nine years. */
export function latestTime({ cron, timezone }: CronTime, until: Date): Date | null {
  const latest = latestInstant(parseCron(cron), timeZone(timezone), until.getTime())
  return latest === null ? null : new Date(latest)
}

function latestInstant(times: WallTimes, offsetAt: OffsetAt, until: number): number | null {
  const next = (after: number): number => nextInstant(times, offsetAt, after)
  let span = 2 * MINUTE_MS
  while (next(until - span) > until) {
    if (span > LONGEST_WAIT_MS) return null
    span *= 4
  }
  let [low, high] = [until - span, until]
  while (high - low > MINUTE_MS) {
    const middle = Math.floor((low + high) / 2)
    if (next(middle) <= until) low = middle
    else high = middle
  }
  let latest = next(low)
  for (let later = next(latest); later <= until; later = next(latest)) latest = later
  return latest
}

/**
 * How far around the beginning of a day its times are looked at: from any time of it, a whole week on either
 * side.
 */
const AROUND_MS = 8 * DAY_MS

/** Keeps the value of each key, for at most `most` keys; the oldest goes first. */
export class BoundedCache<Value> {
  readonly #most: number
  readonly #values = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  /** The value of the key, made if need be. Throws what `make` throws, and keeps nothing then. */
  get(key: string, make: () => Value): Value {
    const earlier = this.#values.get(key)
    if (earlier !== undefined) return earlier
    const value = make()
    const [oldest] = this.#values.keys()
    if (this.#values.size >= this.#most && oldest !== undefined) this.#values.delete(oldest)
    this.#values.set(key, value)
    return value
  }
}

/** Computing an interval takes up to 250 ms, and every watch, scrape and plan needs all of them. */
const intervals = new BoundedCache<number>(2_000)

/**
 * The longest time between two runs in a row, in ms, of those around `around`: three days for the working
 * days, 24 or 25 hours for "every day at 2:30" in the week in which the clocks are put back.
 */
export function intervalMs({ cron, timezone }: CronTime, around: Date): number {
  const day = Math.floor(around.getTime() / DAY_MS)
  return intervals.get(JSON.stringify([cron, timezone, day]), () =>
    longestInterval({ cron, timezone }, day * DAY_MS),
  )
}

function longestInterval({ cron, timezone }: CronTime, around: number): number {
  const times = parseCron(cron)
  const offsetAt = timeZone(timezone)
  const { minutesOfDay } = times
  const within = minutesOfDay.slice(1).map((minute, index) => minute - (minutesOfDay[index] as number))
  const dayMs = ((minutesOfDay.at(-1) as number) - (minutesOfDay[0] as number)) * MINUTE_MS
  const firsts = times.firstOfDay()
  const from = around - AROUND_MS
  let longest = Math.max(0, ...within) * MINUTE_MS
  let day = latestInstant(firsts, offsetAt, from) ?? nextInstant(firsts, offsetAt, from)
  while (day <= around + AROUND_MS) {
    const next = nextInstant(firsts, offsetAt, day)
    longest = Math.max(longest, next - day - dayMs)
    day = next
  }
  return longest
}
