import type { Backup, KeepPolicy } from '@telegram-backup/database'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decideRetention, type RetentionFacts } from '#retention/plan-retention.ts'
import { aBackup, DAY_MS, HOUR_MS, NOW, policy } from '#test/retention/plan-facts.ts'

// Whatever the backups, the policies and the schedules.
fc.configureGlobal({ numRuns: 300 })

const aRule = fc.integer({ min: 1, max: 4 })
const aPolicy: fc.Arbitrary<KeepPolicy> = fc.record(
  {
    last: aRule,
    hourly: aRule,
    daily: aRule,
    weekly: aRule,
    monthly: aRule,
    yearly: aRule,
    within_ms: fc.integer({ min: 1, max: 60 * DAY_MS }),
    minimum: aRule,
    tags: fc.subarray(['release', 'audit', 'gone'], { minLength: 1 }),
  },
  { requiredKeys: [] },
)
const someBackups = fc.array(
  fc
    .record({
      hours: fc.oneof(fc.integer({ min: -1, max: 100 }), fc.nat(24 * 500)),
      source_name: fc.constantFrom('shop', 'second', null),
      member: fc.constantFrom(null, null, 'globals', 'database:shop'),
      type: fc.constantFrom('database' as const, 'logs' as const),
      state: fc.constantFrom(
        'complete' as const,
        'complete' as const,
        'complete' as const,
        'failed' as const,
      ),
      damaged: fc.boolean(),
      pinned: fc.integer({ min: 0, max: 9 }),
      expiry_given: fc.boolean(),
      tags: fc.subarray(['release', 'audit', 'other'], { maxLength: 2 }),
      lives: fc.nat(60),
    })
    .map(({ hours, damaged, pinned, lives, ...fields }) => {
      const created_at = new Date(NOW.getTime() - hours * HOUR_MS)
      return aBackup(0, {
        ...fields,
        created_at,
        expires_at: new Date(created_at.getTime() + lives * DAY_MS),
        damaged_at: damaged ? NOW : null,
        pinned_at: pinned === 0 ? NOW : null,
      })
    }),
  { maxLength: 30 },
)
const somePolicies = fc.array(
  fc.record({
    project_id: fc.constant('shop'),
    type: fc.constantFrom('database' as const, 'logs' as const),
    source: fc.option(fc.constantFrom('shop', 'second'), { nil: undefined }),
    keep: aPolicy,
  }),
  { maxLength: 2 },
)
const someSchedules = fc.array(
  fc.record({
    source: fc.constantFrom('shop', 'second'),
    project_id: fc.constant('shop'),
    type: fc.constantFrom('database' as const, 'logs' as const),
    enabled: fc.boolean(),
    keep: fc.option(aPolicy, { nil: null }),
    intervalMs: fc.constantFrom(HOUR_MS, DAY_MS, 400 * DAY_MS, null),
  }),
  { maxLength: 3 },
)
const someTimes = fc.uniqueArray(
  fc.record({
    project_id: fc.constant('shop'),
    type: fc.constantFrom('database' as const, 'logs' as const),
    source_name: fc.constantFrom('shop', 'second', null),
    member: fc.constantFrom(null, 'globals'),
    times: fc.array(
      fc.nat(24 * 100).map(hours => new Date(NOW.getTime() - hours * HOUR_MS)),
      { maxLength: 25 },
    ),
  }),
  { selector: ({ type, source_name, member }) => `${type} ${source_name} ${member}` },
)
const someFacts: fc.Arbitrary<RetentionFacts> = fc.record({
  backups: someBackups,
  policies: somePolicies,
  schedules: someSchedules,
  times: someTimes,
  begun: fc.constant(new Map()),
  now: fc.constant(NOW),
})

const going = (facts: RetentionFacts) =>
  decideRetention(facts).filter(({ decision, needsWord }) => decision === 'erase' || needsWord)
const idsOf = (decisions: readonly { backup: Backup }[]) => new Set(decisions.map(({ backup }) => backup.id))

it('decides once over each complete backup, in the order given, and over no other', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      expect(decideRetention(facts).map(({ backup }) => backup)).toEqual(
        facts.backups.filter(({ state }) => state === 'complete'),
      )
    }),
  )
})

it('leaves a sound one of each project and type, source, and member of a group, where there is one', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      const gone = idsOf(going(facts))
      const complete = facts.backups.filter(({ state }) => state === 'complete')
      const left = (group: readonly Backup[]): void => {
        const kept = group.filter(({ id }) => !gone.has(id))
        expect(kept.length).toBeGreaterThan(0)
        expect(kept.some(({ damaged_at }) => damaged_at === null)).toBe(
          group.some(({ damaged_at }) => damaged_at === null),
        )
      }
      const thing = ({ type, source_name, member }: Backup): string =>
        JSON.stringify([type, member, member === null ? null : source_name])
      for (const group of Map.groupBy(complete, thing).values()) left(group)
      const withoutChoice = complete.filter(({ expiry_given }) => !expiry_given)
      const keyOf = ({ type, source_name, member }: Backup): string => `${type} ${source_name} ${member}`
      for (const [key, group] of Map.groupBy(withoutChoice, keyOf)) {
        const all = complete.filter(backup => keyOf(backup) === key)
        if (all.every(({ expiry_given }) => !expiry_given)) left(group)
      }
    }),
  )
})

it('never lets go what is pinned, and of a chosen expiry only what has expired', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      for (const { backup } of going(facts)) {
        expect(backup.pinned_at).toBeNull()
        if (backup.expiry_given) expect(backup.expires_at <= NOW).toBe(true)
      }
    }),
  )
})

it('never lets go what has a tag that a policy of its group keeps', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      for (const { backup } of going(facts)) {
        const rules = [...facts.policies, ...facts.schedules].filter(
          ({ type, source }) => type === backup.type && (source ?? backup.source_name) === backup.source_name,
        )
        const kept = new Set(rules.flatMap(({ keep }) => keep?.tags ?? []))
        expect(kept.isDisjointFrom(new Set(backup.tags))).toBe(true)
      }
    }),
  )
})

it('lets nothing more go when it is applied again', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      const gone = idsOf(going(facts))
      const left = facts.backups.filter(({ id }) => !gone.has(id))
      expect(idsOf(going({ ...facts, backups: left }))).toEqual(new Set())
    }),
  )
})

it('does not depend on the order in which it sees backups, policies and schedules', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      const turned = {
        ...facts,
        backups: facts.backups.toReversed(),
        policies: facts.policies.toReversed(),
        schedules: facts.schedules.toReversed(),
        times: facts.times.toReversed(),
      }
      const byId = (decisions: ReturnType<typeof decideRetention>) =>
        new Map(decisions.map(({ backup, decision, needsWord }) => [backup.id, { decision, needsWord }]))
      expect(byId(decideRetention(turned))).toEqual(byId(decideRetention(facts)))
    }),
  )
})

it('lets no more go for one more rule, a larger number, or one more policy', () => {
  const oneMore = fc.constantFrom(
    'last',
    'hourly',
    'daily',
    'weekly',
    'monthly',
    'yearly',
    'within_ms',
    'minimum',
  )
  fc.assert(
    fc.property(
      someBackups,
      aPolicy,
      aPolicy,
      oneMore,
      fc.integer({ min: 1, max: 5 }),
      (backups, keep, other, rule, more) => {
        const before = { ...keep, last: keep.last ?? 1 }
        const gone = (policies: RetentionFacts['policies']) =>
          idsOf(going({ backups, policies, schedules: [], times: [], begun: new Map(), now: NOW }))
        const after = { ...before, [rule]: (before[rule] ?? 0) + more }
        expect(gone(policy(after)).isSubsetOf(gone(policy(before)))).toBe(true)
        expect(gone([...policy(before), ...policy(other)]).isSubsetOf(gone(policy(before)))).toBe(true)
        expect(gone([...policy(before), ...policy(other)]).isSubsetOf(gone(policy(other)))).toBe(true)
      },
    ),
  )
})

it('erases at most half of three or more, and nothing where backups have stopped', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      const decisions = decideRetention(facts)
      const groups = Map.groupBy(decisions, ({ backup }) =>
        JSON.stringify([backup.type, backup.source_name, backup.member]),
      )
      for (const group of groups.values()) {
        const of = group[0]?.backup
        const key = `${of?.type} ${of?.source_name}`
        const erased = group.filter(({ decision }) => decision === 'erase').length
        if (group.length >= 3) expect(erased * 2).toBeLessThanOrEqual(group.length)
        const schedules = facts.schedules.filter(({ type, source }) => `${type} ${source}` === key)
        const isOff = schedules.every(({ enabled }) => !enabled)
        const intervals = schedules
          .filter(({ enabled }) => enabled || isOff)
          .map(({ intervalMs }) => intervalMs ?? 0)
        const sound = group.filter(({ backup }) => backup.damaged_at === null)
        const newest = Math.max(...sound.map(({ backup }) => backup.created_at.getTime()))
        if (intervals.some(interval => NOW.getTime() - newest > 2 * interval)) expect(erased).toBe(0)
      }
    }),
  )
})

it('lets nothing more go for what it knows of the times at which backups came', () => {
  fc.assert(
    fc.property(someFacts, facts => {
      const erased = (of: RetentionFacts) =>
        idsOf(decideRetention(of).filter(({ decision }) => decision === 'erase'))
      expect(erased(facts).isSubsetOf(erased({ ...facts, times: [] }))).toBe(true)
    }),
  )
})

it('no clock of a maker that was behind makes a backup go that stays by the time at which it was made', () => {
  fc.assert(
    fc.property(someFacts, fc.nat(24 * 900), (facts, behind) => {
      const [backup, ...others] = facts.backups
      fc.pre(backup !== undefined && backup.created_at <= NOW && !backup.expiry_given)
      const before = (time: Date): Date => new Date(time.getTime() - behind * HOUR_MS)
      const wrong = {
        ...backup,
        created_at: before(backup.created_at),
        expires_at: before(backup.expires_at),
      }
      const judged = (one: Backup, begun: RetentionFacts['begun']) =>
        decideRetention({ ...facts, backups: [one, ...others], begun }).map(({ decision, reason }) => [
          decision,
          reason,
        ])
      expect(judged(wrong, new Map([[backup.id, backup.created_at]]))).toEqual(judged(backup, new Map()))
    }),
  )
})
