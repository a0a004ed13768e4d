import { parseCron, type WallTimes } from '#cron/cron-expression.ts'
import { nextChange, type OffsetAt, timeZone } from '#cron/time-zone.ts'

/** Five cron fields, in an IANA time zone. */
export interface CronTime {
  cron: string
  timezone: string
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** 29 February may be eight years off. */
const LONGEST_WAIT_MS = 9 * 366 * DAY_MS
/** Clocks were never set back by more. */
const LONGEST_REPEAT_MS = 26 * 3_600_000

/**
 * The first run after `after`. When clocks change: runs in the skipped time happen once, right after it; runs
 * in the repeated time happen the first time only. An expression for every hour (`*`) goes by elapsed time,
 * so it has neither. Throws `INVALID` for a wrong expression or time zone.
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
    // Continue with wall times that the new clocks show; repeated ones count only for elapsed time.
    wall = change + (times.isEveryHour ? later : Math.max(offset, later)) - 1
    from = change
    offset = later
  }
}

/** While clocks repeat a time: the last wall time that they showed in the first round. */
function lastOfTheFirstRound(times: WallTimes, offsetAt: OffsetAt, instant: number): number {
  if (times.isEveryHour) return Number.NEGATIVE_INFINITY
  const change = nextChange(offsetAt, instant - LONGEST_REPEAT_MS, instant)
  return change === null ? Number.NEGATIVE_INFINITY : change + offsetAt(change - 1) - 1
}

/** The last run until `until`; null when there was none within nine years. */
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

/** From any time of a day, a whole week on either side. */
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
 * The longest time between two consecutive runs around `around`, in ms: three days for working days, 24 or 25
 * hours for "every day at 2:30" in the week in which clocks are set back.
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
