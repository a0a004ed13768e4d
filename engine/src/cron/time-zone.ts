import { BackupError } from '@telegram-backup/errors'

/** By how many ms clocks are ahead of UTC at an instant (ms since the epoch); negative: behind. */
export type OffsetAt = (instant: number) => number

const LONGEST_NAME = 64
const NAME = /^[a-z][a-z\d_+/-]*$/i
/** By the name in small letters, so that there are at most as many as time zones. */
const known = new Map<string, OffsetAt>()

/** The clocks of an IANA time zone such as `Europe/Berlin`. Throws `INVALID` for any other name. */
export function timeZone(name: string): OffsetAt {
  const key = NAME.test(name) ? name.toLowerCase() : name
  const earlier = known.get(key)
  if (earlier !== undefined) return earlier
  const format = formatOf(name)
  const offsetAt: OffsetAt = instant => readOffset(format.format(instant))
  known.set(key, offsetAt)
  return offsetAt
}

function formatOf(name: string): Intl.DateTimeFormat {
  // Intl also takes an offset such as +02:00, which has no daylight saving: hardly what a person means.
  if (name.length <= LONGEST_NAME && NAME.test(name)) {
    try {
      return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
    } catch {
      // Reported below.
    }
  }
  throw new BackupError(`There is no time zone ${JSON.stringify(name.slice(0, LONGEST_NAME))}`, {
    code: 'INVALID',
    hint: 'Give an IANA name such as Europe/Berlin, America/New_York or UTC.',
  })
}

/** `11/25/2026, GMT+01:00`; UTC itself is a bare `GMT`. */
function readOffset(text: string): number {
  const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(text) ?? []
  if (sign === undefined) return 0
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -ms : ms
}

/** No zone has changed its clocks twice within a week since 2000. */
const STEP_MS = 5 * 86_400_000

/** The first instant after `from`, up to `to`, at which clocks change; null for none. */
export function nextChange(offsetAt: OffsetAt, from: number, to: number): number | null {
  for (let low = from; low < to; low += STEP_MS) {
    const high = Math.min(low + STEP_MS, to)
    if (offsetAt(low) !== offsetAt(high)) return bisect(offsetAt, low, high)
  }
  return null
}

function bisect(offsetAt: OffsetAt, from: number, to: number): number {
  let [low, high] = [from, to]
  const before = offsetAt(low)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle) === before) low = middle
    else high = middle
  }
  return high
}
