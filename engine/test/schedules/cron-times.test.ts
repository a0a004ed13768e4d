import { CronExpressionParser } from 'cron-parser'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { BoundedCache, intervalMs, latestTime, nextTime } from '#cron/cron-times.ts'
import { timeZone } from '#cron/time-zone.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

function times(cron: string, timezone: string, after: string, count: number): string[] {
  const found: string[] = []
  for (let at = new Date(after); found.length < count; ) {
    at = nextTime({ cron, timezone }, at)
    found.push(at.toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

it.each([
  {
    what: 'a time that the clocks skip comes once, right after',
    cron: '*/15 2 * * *',
    after: '2026-03-28T12:00Z',
    expected: ['2026-03-29T01:00Z', '2026-03-30T00:00Z', '2026-03-30T00:15Z'],
  },
  {
    what: 'a time that they show twice comes the first time only',
    cron: '30 2 * * *',
    after: '2026-10-24T12:00Z',
    expected: ['2026-10-25T00:30Z', '2026-10-26T01:30Z', '2026-10-27T01:30Z'],
  },
  {
    what: 'nor does it come when asked for within the second round',
    cron: '30 2 * * *',
    after: '2026-10-25T01:10Z',
    expected: ['2026-10-26T01:30Z'],
  },
  {
    what: 'every hour is every hour that passes, when the clocks are put back',
    cron: '0 * * * *',
    after: '2026-10-24T22:30Z',
    expected: ['2026-10-24T23:00Z', '2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z'],
  },
  {
    what: 'and when they are put forward',
    cron: '0 * * * *',
    after: '2026-03-28T23:30Z',
    expected: ['2026-03-29T00:00Z', '2026-03-29T01:00Z', '2026-03-29T02:00Z'],
  },
  {
    what: 'clocks that move by half an hour',
    cron: '15 2 * * *',
    timezone: 'Australia/Lord_Howe',
    after: '2026-10-03T00:00Z',
    expected: ['2026-10-03T15:30Z', '2026-10-04T15:15Z'],
  },
  {
    what: 'a whole day that an island has left out',
    cron: '0 12 * * *',
    timezone: 'Pacific/Apia',
    after: '2011-12-29T00:00Z',
    expected: ['2011-12-29T22:00Z', '2011-12-30T10:00Z', '2011-12-30T22:00Z'],
  },
  {
    what: 'midnight that does not exist',
    cron: '0 0 * * *',
    timezone: 'America/Santiago',
    after: '2026-09-05T12:00Z',
    expected: ['2026-09-06T04:00Z', '2026-09-07T03:00Z'],
  },
  {
    what: 'names of months and days, and 29 February over a century',
    cron: '0 0 29 feb *',
    timezone: 'UTC',
    after: '2096-03-01T00:00Z',
    expected: ['2104-02-29T00:00Z'],
  },
  {
    what: 'a day of the month or a day of the week',
    cron: '0 6 1 * mon',
    timezone: 'UTC',
    after: '2026-11-25T00:00Z',
    expected: ['2026-11-30T06:00Z', '2026-12-01T06:00Z', '2026-12-07T06:00Z'],
  },
])('finds $what', ({ cron, timezone = 'Europe/Berlin', after, expected }) => {
  expect(times(cron, timezone, after, expected.length)).toEqual(expected)
})

it.each([
  ['0 0 31 2 *', 'never occurs'],
  ['0 0 30,31 2 *', 'never occurs'],
  ['0 0 31 4,6 *', 'never occurs'],
  ['* * * * * *', 'seconds'],
  ['* * * *', '4 fields'],
  ['', 'not have five fields'],
  ['@reboot', 'a start of the machine is not a time'],
  ['@daily * * * *', 'the words are @hourly, @daily'],
  ['@constructor', 'the words are @hourly, @daily'],
  ['H 2 * * *', 'the minute is not understood'],
  ['60 * * * *', 'minute is not understood; allowed are 0 to 59, *, lists'],
  ['0 0 * * 8', 'day of the week is not understood; allowed are 0 to 7'],
  ['*/0 * * * *', 'the minute'],
  ['5-1 * * * *', 'range'],
  ['0 0 L * *', 'day of the month'],
  ['0 0 * * 5#3', 'day of the week'],
  ['0 0 * foo *', 'is not a cron expression'],
  [`${'1,'.repeat(500)}1 * * * *`, 'not have five fields'],
])('refuses %j, and says why', (cron, words) => {
  expect(() => nextTime({ cron, timezone: 'UTC' }, new Date())).toThrow(
    expect.objectContaining({ code: 'INVALID', message: expect.stringContaining(words) }),
  )
})

it.each([
  ['@hourly', '0 * * * *'],
  ['@daily', '0 0 * * *'],
  [' @Midnight ', '0 0 * * *'],
  ['@weekly', '0 0 * * sun'],
  ['@monthly', '0 0 1 * *'],
  ['@yearly', '0 0 1 jan *'],
  ['@annually', '0 0 1 1 *'],
])('%j runs when %j runs, also when clocks change', (word, fields) => {
  const [year, berlin] = ['2026-01-31T22:10Z', 'Europe/Berlin']
  expect(times(word, berlin, year, 30)).toEqual(times(fields, berlin, year, 30))
  const around = new Date('2026-10-25T12:00Z')
  expect(intervalMs({ cron: word, timezone: berlin }, around)).toBe(
    intervalMs({ cron: fields, timezone: berlin }, around),
  )
})

it.each(['', 'Europe/Nowhere', '+02:00', 'x'.repeat(100)])('refuses the time zone %j', timezone => {
  expect(() => nextTime({ cron: '* * * * *', timezone }, new Date())).toThrow(
    expect.objectContaining({ code: 'INVALID', hint: expect.stringContaining('Europe/Berlin') }),
  )
})

it.each([
  ['* * * * *', 'UTC', MINUTE_MS],
  ['0 * * * *', 'UTC', HOUR_MS],
  ['0 9 * * 1-5', 'UTC', 72 * HOUR_MS],
  ['*/5 9-17 * * 1-5', 'UTC', (72 - 9) * HOUR_MS + 5 * MINUTE_MS],
  ['0 0 1 * *', 'UTC', 31 * 24 * HOUR_MS],
  ['30 2 * * *', 'Europe/Berlin', 24 * HOUR_MS],
  ['0 0 1 1 *', 'UTC', 365 * 24 * HOUR_MS],
])('knows that the longest time between two runs of %j in %s is %d ms', (cron, timezone, expected) => {
  expect(intervalMs({ cron, timezone }, new Date('2026-11-25T12:00Z'))).toBe(expected)
})

it('reckons an interval once a day, however often and at whatever time of it it is asked for', () => {
  const parsing = vi.spyOn(CronExpressionParser, 'parse')
  const everyHour = (cron: string, day: string) =>
    Array.from({ length: 24 }, (_, hour) =>
      intervalMs(
        { cron, timezone: 'Europe/Berlin' },
        new Date(`${day}T${String(hour).padStart(2, '0')}:30Z`),
      ),
    )
  const first = everyHour('17 4 * * 1-5', '2026-11-25')
  expect(new Set(first)).toEqual(new Set([72 * HOUR_MS]))
  const calls = parsing.mock.calls.length
  expect(everyHour('17 4 * * 1-5', '2026-11-25')).toEqual(first)
  expect(parsing.mock.calls.length).toBe(calls)
  // And again on another day: clocks are changed.
  everyHour('17 4 * * 1-5', '2026-11-26')
  expect(parsing.mock.calls.length).toBe(2 * calls)
  parsing.mockRestore()
})

it('one clock serves all spellings of a time zone', () => {
  expect(timeZone('aSIA/kathMANDU')).toBe(timeZone('Asia/Kathmandu'))
  expect(() => timeZone('Asia/\u212aathmandu')).toThrow(expect.objectContaining({ code: 'INVALID' }))
})

it('a cache keeps no more than it is to, and nothing of what failed', () => {
  const cache = new BoundedCache<number>(2)
  const made: string[] = []
  const ask = (key: string) => cache.get(key, () => made.push(key))
  for (const key of ['a', 'b', 'a', 'c', 'b', 'a']) ask(key)
  expect(made).toEqual(['a', 'b', 'c', 'a'])
  const fail = () => {
    throw new Error('no')
  }
  expect(() => cache.get('d', fail)).toThrow('no')
  expect(cache.get('d', () => 7)).toBe(7)
})

const aField = (min: number, max: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 3, arbitrary: fc.integer({ min, max }).map(String) },
    { weight: 1, arbitrary: fc.integer({ min: 2, max: 20 }).map(step => `*/${step}`) },
  )
const aCron = fc.tuple(aField(0, 59), aField(0, 23)).map(([minute, hour]) => `${minute} ${hour} * * *`)
/** Each within two days of a change of clocks, or not. */
const aPlace = fc.constantFrom(
  { timezone: 'Europe/Berlin', near: '2026-03-29T01:00Z' },
  { timezone: 'Europe/Berlin', near: '2026-10-25T01:00Z' },
  { timezone: 'America/New_York', near: '2026-11-01T06:00Z' },
  { timezone: 'Australia/Lord_Howe', near: '2026-04-04T15:00Z' },
  { timezone: 'Australia/Lord_Howe', near: '2026-10-03T15:30Z' },
  { timezone: 'Africa/Casablanca', near: '2026-02-15T02:00Z' },
  { timezone: 'Asia/Kathmandu', near: '2026-05-05T05:00Z' },
  { timezone: 'UTC', near: '2026-12-31T12:00Z' },
)

/** What the rules say, minute by minute, out of a clock of its own. */
function byTheMinute(cron: string, timezone: string, from: number, to: number): number[] {
  const clock = new Intl.DateTimeFormat('sv-SE', {
    timeZone: timezone,
    dateStyle: 'short',
    timeStyle: 'short',
  })
  const wallAt = (instant: number): number => Date.parse(`${clock.format(instant).replace(' ', 'T')}Z`)
  const [minutes, hours] = cron.split(' ').map((field, index) => valuesOf(field, index === 0 ? 60 : 24))
  const matches = (wall: number): boolean =>
    minutes?.has(new Date(wall).getUTCMinutes()) === true && hours?.has(new Date(wall).getUTCHours()) === true
  const found: number[] = []
  const seen = new Set<number>()
  let before = wallAt(from - 27 * HOUR_MS) - MINUTE_MS
  for (let instant = from - 27 * HOUR_MS; instant <= to; instant += MINUTE_MS) {
    const wall = wallAt(instant)
    const isRepeated = seen.has(wall)
    let fires = matches(wall) && (!isRepeated || hours?.size === 24)
    if (hours?.size !== 24) {
      for (let skipped = before + MINUTE_MS; skipped < wall; skipped += MINUTE_MS) fires ||= matches(skipped)
    }
    if (fires && instant > from) found.push(instant)
    seen.add(wall)
    before = wall
  }
  return found
}

function valuesOf(field: string, size: number): Set<number> {
  const step = Number(/^\*\/(\d+)$/.exec(field)?.[1] ?? (field === '*' ? 1 : 0))
  if (step === 0) return new Set([Number(field)])
  return new Set(Array.from({ length: Math.ceil(size / step) }, (_, index) => index * step))
}

it('finds what a look at the clock in each minute finds, in every zone and whatever clocks do', () => {
  const aMinute = fc.integer({ min: -48 * 60, max: 6 * 60 })
  fc.assert(
    fc.property(aCron, aPlace, aMinute, (cron, { timezone, near }, minute) => {
      const from = Date.parse(near) + minute * MINUTE_MS
      const expected = byTheMinute(cron, timezone, from, from + 50 * HOUR_MS)
      const found: number[] = []
      for (let at = from; ; ) {
        at = nextTime({ cron, timezone }, new Date(at)).getTime()
        if (at > from + 50 * HOUR_MS) break
        found.push(at)
        if (found.length > 40) break
      }
      expect(found).toEqual(expected.slice(0, found.length))
      if (found.length <= 40) expect(found.length).toBe(expected.length)
    }),
    { numRuns: 150 },
  )
})

it('finds the latest time from any instant on: none lies between it and the instant', () => {
  fc.assert(
    fc.property(aCron, aPlace, fc.integer({ min: -4000, max: 4000 }), (cron, { timezone, near }, minute) => {
      const until = new Date(Date.parse(near) + minute * MINUTE_MS)
      const latest = latestTime({ cron, timezone }, until) as Date
      expect(latest <= until).toBe(true)
      expect(nextTime({ cron, timezone }, latest) > until).toBe(true)
      expect(nextTime({ cron, timezone }, new Date(latest.getTime() - 1))).toEqual(latest)
    }),
    { numRuns: 150 },
  )
})
