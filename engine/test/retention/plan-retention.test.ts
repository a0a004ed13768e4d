import { expect, it } from 'vitest'
import { aBackup, aSchedule, decide, HOUR_MS, NOW, policy } from '#test/retention/plan-facts.ts'

const words = (decisions: ReturnType<typeof decide>) =>
  decisions.map(({ decision, reason }) => `${decision}: ${reason}`)

it('without a policy expires_at decides', () => {
  const backups = [aBackup(1), aBackup(24 * 31), aBackup(24 * 29)]
  expect(words(decide(backups))).toEqual([
    'keep: expires 2026-12-25',
    'erase: expired 2026-11-24',
    'keep: expires 2026-11-26',
  ])
})

it('each rule keeps the newest of each of its buckets, and says which one it is', () => {
  const backups = [0, 1, 24, 25, 48, 24 * 8, 24 * 31].map(hours => aBackup(hours))
  const keep = { last: 1, daily: 2, weekly: 2, monthly: 3 }
  expect(words(decide(backups, { policies: policy(keep) }))).toEqual([
    'keep: last 1 of 1, daily 1 of 2, weekly 1 of 2, monthly 1 of 3',
    'erase: no rule keeps it',
    'keep: daily 2 of 2',
    'erase: no rule keeps it',
    'erase: no rule keeps it',
    'keep: weekly 2 of 2',
    'keep: monthly 2 of 3',
  ])
})

it('a damaged one is never the one that is kept of a day while a sound one is there', () => {
  const backups = [aBackup(0, { damaged_at: NOW }), aBackup(1), aBackup(24, { damaged_at: NOW }), aBackup(48)]
  expect(words(decide(backups, { policies: policy({ daily: 3 }) }))).toEqual([
    'erase: no rule keeps it',
    'keep: daily 1 of 3',
    'keep: daily 3 of 3, damaged',
    'keep: daily 2 of 3',
  ])
})

it('weeks are those of ISO 8601, across the year', () => {
  const at = (time: string) => aBackup(0, { created_at: new Date(time) })
  const backups = [
    at('2021-01-04T00:00Z'),
    at('2021-01-03T23:59Z'),
    at('2020-12-28T00:00Z'),
    at('2020-12-27T23:59Z'),
  ]
  expect(words(decide(backups, { policies: policy({ weekly: 9 }) }))).toEqual([
    'keep: weekly 1 of 9',
    'keep: weekly 2 of 9',
    'erase: no rule keeps it',
    'keep: weekly 3 of 9',
  ])
})

it('an empty policy keeps all, and one with only a minimum leaves the rest to expires_at', () => {
  const backups = [aBackup(24 * 40), aBackup(24 * 50), aBackup(24 * 60)]
  expect(words(decide(backups, { policies: policy({}) }))).toEqual(
    Array(3).fill('keep: the policy keeps all'),
  )
  expect(words(decide(backups, { policies: policy({ minimum: 2 }) }))).toEqual([
    'keep: minimum 1 of 2',
    'keep: minimum 2 of 2',
    'erase: expired 2026-10-26',
  ])
})

it('what any policy keeps is kept, and a pinned one too', () => {
  const backups = [aBackup(0), aBackup(30), aBackup(60, { pinned_at: NOW }), aBackup(90)]
  const schedules = [aSchedule({ keep: { last: 1 } }), aSchedule({ keep: { daily: 2 } })]
  expect(words(decide(backups, { schedules }))).toEqual([
    'keep: last 1 of 1, daily 1 of 2',
    'keep: daily 2 of 2',
    'keep: pinned',
    'erase: no rule keeps it',
  ])
})

it('an expiry that somebody chose decides alone', () => {
  const given = { expiry_given: true }
  const backups = [
    aBackup(0),
    aBackup(1, { ...given, expires_at: new Date(NOW.getTime() - 1) }),
    aBackup(2, { ...given, expires_at: new Date('2027-01-01') }),
    aBackup(3),
    aBackup(4),
  ]
  expect(words(decide(backups, { policies: policy({ last: 2 }) }))).toEqual([
    'keep: last 1 of 2',
    'erase: expired 2026-11-25',
    'keep: expires 2027-01-01',
    'keep: last 2 of 2',
    'erase: no rule keeps it',
  ])
})

it('the last good one of a project and type stays, and that of a source', () => {
  const [first, second] = [aBackup(24 * 40), aBackup(24 * 50, { source_name: 'other' })]
  expect(words(decide([first, second]))).toEqual([
    'keep: expired 2026-11-15, but it is the last good one of its project and type',
    'keep: expired 2026-11-05, but it is the last good one of its source',
  ])
})

it('the rules count each member of a cluster by itself, so that a run never takes the place of the one before', () => {
  const members = ['globals', 'database:shop', 'database:blog']
  const backups = [0, 24, 48].flatMap(hours => members.map(member => aBackup(hours, { member })))
  expect(words(decide(backups, { policies: policy({ last: 2 }) }))).toEqual([
    ...Array(3).fill('keep: last 1 of 2'),
    ...Array(3).fill('keep: last 2 of 2'),
    ...Array(3).fill('erase: no rule keeps it'),
  ])
})

it('the last good one of each member stays, whatever newer ones there are of the others', () => {
  const [kept] = decide([
    aBackup(24 * 40, { member: 'database:dropped' }),
    aBackup(1, { member: 'database:shop' }),
    aBackup(2),
  ])
  expect(kept).toMatchObject({
    decision: 'keep',
    reason: 'expired 2026-11-15, but it is the last good one of database:dropped',
  })
})

it('nothing goes while backups have stopped', () => {
  const backups = [aBackup(72), aBackup(73), aBackup(74), aBackup(75)]
  const schedules = [aSchedule({ keep: { last: 3 }, intervalMs: HOUR_MS })]
  const held =
    'held: no rule keeps it; backups have stopped: the newest is 3 d old, the schedule runs every 60 min'
  expect(words(decide(backups, { schedules })).at(-1)).toBe(held)
})

it('a schedule that is switched off has stopped too, unless another one makes backups of its source', () => {
  const backups = [30, 31, 32, 33].map(hours => aBackup(hours))
  const off = aSchedule({ keep: { last: 3 }, intervalMs: HOUR_MS, enabled: false })
  const last = (...schedules: (typeof off)[]) => words(decide(backups, { schedules })).at(-1)
  expect(last(off)).toContain('held: no rule keeps it; backups have stopped: the newest is 30 h old')
  expect(last(off, aSchedule())).toBe('erase: no rule keeps it')
})

it('nothing goes while nobody can read when a schedule runs', () => {
  const backups = [0, 1, 2, 3].map(hours => aBackup(hours))
  const schedules = [aSchedule(), aSchedule({ keep: { last: 3 }, intervalMs: null })]
  expect(words(decide(backups, { schedules })).at(-1)).toBe(
    'held: no rule keeps it; the times of its schedule cannot be read',
  )
})

it('a schedule whose policy was taken away counts for the time since when the rules hold', () => {
  const backups = [1, 2, 3, 4, 5].map(hours => aBackup(hours))
  const schedules = [
    aSchedule({ keep: { last: 1 }, updated_at: new Date(NOW.getTime() - 10 * HOUR_MS) }),
    aSchedule({ keep: null, updated_at: NOW }),
  ]
  expect(decide(backups, { schedules }).filter(({ needsWord }) => needsWord)).toHaveLength(4)
})

it('what was made under the rules that let it go needs no word, however late retention comes', () => {
  const backups = [0, 1, 2, 3, 4, 50, 51].map(hours => aBackup(hours))
  const changed = (keep: object) => [
    { ...policy(keep)[0], updated_at: new Date(NOW.getTime() - 10 * HOUR_MS) } as ReturnType<
      typeof policy
    >[0],
  ]
  const decisions = (keep: object) =>
    decide(backups, { policies: changed(keep) }).map(({ decision }) => decision)
  const routine = Array(4).fill('erase')
  expect(decisions({ last: 1 })).toEqual(['keep', ...routine, 'held', 'held'])
  expect(decisions({ last: 1, yearly: 1, within_ms: HOUR_MS / 2 }).slice(1)).toEqual(Array(6).fill('held'))
  expect(
    decide(backups.slice(0, 5), { policies: changed({ last: 1 }) })
      .slice(1)
      .map(({ decision }) => decision),
  ).toEqual(routine)
})

it('more than half of three or more need a word', () => {
  const four = [aBackup(0), aBackup(1), aBackup(2), aBackup(3)]
  expect(
    decide(four, { policies: policy({ last: 2 }) }).filter(({ decision }) => decision === 'erase'),
  ).toHaveLength(2)
  const held = decide(four, { policies: policy({ last: 1 }) }).slice(1)
  expect(held.map(({ decision, needsWord }) => ({ decision, needsWord }))).toEqual(
    Array(3).fill({ decision: 'held', needsWord: true }),
  )
  expect(held[0]?.reason).toContain('this would remove 3 of 4')
})

it('what a removed schedule kept of its source is kept, and nothing of another source', () => {
  const old = [24 * 40, 24 * 41].map(hours => aBackup(hours))
  const others = [0, 24 * 40].map(hours => aBackup(hours, { source_name: 'second' }))
  const policies = policy({ last: 5 }).map(of => ({ ...of, source: 'shop' }))
  expect(words(decide([...old, ...others], { policies }))).toEqual([
    'keep: last 1 of 5',
    'keep: last 2 of 5',
    'keep: expires 2026-12-25',
    'erase: expired 2026-11-15',
  ])
})

it('one that a clock made which was ahead takes no place of another one, and nothing goes while it is there', () => {
  const backups = [-24, 0, 30, 60].map(hours => aBackup(hours))
  const schedules = [aSchedule({ keep: { last: 2 } })]
  expect(words(decide(backups, { schedules }))).toEqual([
    'held: its time is in the future: a clock was ahead, or is behind now',
    'keep: last 1 of 2',
    'keep: last 2 of 2',
    expect.stringMatching(
      /^held: no rule keeps it; a clock was ahead, or .* made 2026-11-26T12:00Z; correct the clock/,
    ),
  ])
  const [, ...others] = [...backups, aBackup(-0.08)]
  expect(words(decide(others, { schedules }))).toEqual([
    'keep: last 2 of 2',
    'erase: no rule keeps it',
    'erase: no rule keeps it',
    'keep: last 1 of 2',
  ])
})

it('the last proven one stays while a drill has found differences in a newer one', () => {
  const backups = [aBackup(0), aBackup(1), aBackup(2), aBackup(3)]
  const [newest, second, third, oldest] = backups.map(({ id }) => id) as [string, string, string, string]
  const drilled = new Map<string, 'proven' | 'differs'>([
    [second, 'differs'],
    [third, 'proven'],
    [oldest, 'proven'],
  ])
  const policies = policy({ last: 1 })
  expect(words(decide(backups, { policies, drilled }))).toEqual([
    'keep: last 1 of 1',
    'erase: no rule keeps it',
    'keep: no rule keeps it, but a drill has proven it, and found differences in a newer one',
    'erase: no rule keeps it',
  ])
  for (const since of [drilled.set(newest, 'proven'), new Map([[third, 'proven' as const]])])
    expect(words(decide(backups, { policies, drilled: since })).join()).not.toContain('a drill')
})
