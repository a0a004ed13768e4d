import type { Backup, KeepPolicy } from '@telegram-backup/database'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { RetentionFacts } from '#retention/plan-retention.ts'
import { habitMs } from '#retention/stopped-backups.ts'
import { aBackup, aSchedule, DAY_MS, decide, HOUR_MS, NOW, policy } from '#test/retention/plan-facts.ts'

const at = (hoursAgo: number): Date => new Date(NOW.getTime() - hoursAgo * HOUR_MS)
const habitOf = (...hoursAgo: number[]): number | undefined => habitMs(hoursAgo.map(at))
const every = (hours: number, count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, index) => from + index * hours)

/** Nobody declared when backups come of what was made so many hours ago. */
function decideUndeclared(
  hoursAgo: readonly number[],
  keep: KeepPolicy,
  facts: Partial<RetentionFacts> & { fields?: Partial<Backup> } = {},
): string[] {
  const { fields, ...more } = facts
  const times = [
    {
      project_id: 'shop',
      type: 'database' as const,
      source_name: 'shop',
      member: null,
      times: hoursAgo.map(at),
    },
  ]
  return decide(
    hoursAgo.map(hours => aBackup(hours, fields)),
    { policies: policy(keep), times, ...more },
  ).map(({ decision, reason }) => `${decision}: ${reason}`)
}

it('what used to come every day and has stopped stays, although no schedule says how often it is to come', () => {
  const within = { within_ms: 5 * DAY_MS }
  const held = decideUndeclared(every(24, 8, 60), within)
  expect(held.filter(words => words.startsWith('erase'))).toEqual([])
  expect(held.at(-1)).toBe(
    'held: no rule keeps it; backups have stopped: the newest is 60 h old, they used to come every 24 h',
  )
  expect(decideUndeclared(every(24, 8, 12), within).at(-1)).toBe('erase: no rule keeps it')
})

it('neither an outage, nor a burst, nor weekends change what the habit is', () => {
  expect(habitOf(...every(24, 8))).toBe(DAY_MS)
  expect(habitOf(...every(24, 6), ...every(24, 6, 24 * 20))).toBe(DAY_MS)
  expect(habitOf(...every(0.01, 30), ...every(24, 8, 24))).toBeCloseTo(DAY_MS, -7)
  expect(habitOf(...[0, 1, 2, 3, 4, 7, 8, 9, 10, 11].map(day => day * 24))).toBe(DAY_MS)
  expect(habitOf(...every(0.25, 100))).toBe(HOUR_MS)
})

it('whoever made some backups for once has no habit, and retention goes on', () => {
  expect(habitOf()).toBeUndefined()
  expect(habitOf(0, 24 * 40)).toBeUndefined()
  expect(habitOf(0, 24, 48)).toBeUndefined()
  // A busy afternoon.
  expect(habitOf(1, 2, 3, 4.5, 6)).toBeUndefined()
  // But whoever makes one each hour for a day does it by a machine.
  expect(habitOf(...every(1, 24))).toBe(HOUR_MS)
  const words = decideUndeclared([24 * 40, 24 * 40 + 1], { minimum: 1 })
  expect(words).toEqual(['keep: minimum 1 of 1', expect.stringMatching(/^erase: expired/)])
})

it('whoever sends irregularly is given as long as most of the pauses were', () => {
  expect(habitOf(0, 2, 72, 75, 240, 241, 500, 503)).toBe(165 * HOUR_MS)
})

it('a habit does not overrule a date that somebody chose, nor an interval that somebody declared', () => {
  const chosen = { expiry_given: true, expires_at: at(1) }
  expect(decideUndeclared(every(24, 8, 60), { last: 1 }, { fields: chosen }).slice(1)).toEqual(
    Array(7).fill(expect.stringMatching(/^held: expired 2026-11-25; not erased: this would remove 7 of 8/)),
  )
  const keep = { within_ms: 7 * DAY_MS }
  const schedules = [aSchedule({ intervalMs: 7 * DAY_MS })]
  expect(decideUndeclared(every(24, 8, 60), keep, { schedules }).at(-1)).toBe('erase: no rule keeps it')
})

it('nothing without a chosen date goes in a silence that is longer than twice any regular habit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 * 30 }),
      fc.integer({ min: 4, max: 40 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.record({ within_ms: fc.integer({ min: 1, max: 100 * DAY_MS }) }),
      (hours, count, more, keep) => {
        fc.pre(count > 20 || hours * (count - 1) >= 48)
        const words = decideUndeclared(every(hours, count, 2 * hours + more), keep)
        expect(words.filter(words => words.startsWith('erase'))).toEqual([])
      },
    ),
  )
})

it('within twice its habit, and for one that has none, all is decided as if nothing were known of it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 24 * 30 }),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0, max: 2, noNaN: true }),
      fc.record({ within_ms: fc.integer({ min: 1, max: 100 * DAY_MS }) }),
      (hours, count, silence, keep) => {
        const made = count <= 3 ? every(hours, count, 24 * 300) : every(hours, count, hours * silence)
        expect(decideUndeclared(made, keep)).toEqual(decideUndeclared(made, keep, { times: [] }))
      },
    ),
  )
})

it('a backup whose maker was years behind is as new as the catalog knows it to be', () => {
  const wrong = aBackup(24 * 20_000)
  const backups = [wrong, aBackup(24), aBackup(48)]
  const decisions = (begun: Map<string, Date>) =>
    decide(backups, { policies: policy({ last: 2 }), begun }).map(({ decision }) => decision)
  expect(decisions(new Map())).toEqual(['erase', 'keep', 'keep'])
  expect(decisions(new Map([[wrong.id, NOW]]))).toEqual(['keep', 'keep', 'erase'])
})
