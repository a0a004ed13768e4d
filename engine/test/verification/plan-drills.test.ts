import type { DrillUnit } from '@telegram-backup/database'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type DrillMachine, overdueAt, planDrills } from '#verification/plan-drills.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const START = Date.UTC(2026, 0, 1)
const IDLE: DrillMachine = { freeBytes: 1e12, loadPerCore: 0 }
const RULES = { messagesPerHour: 300, isElsewhere: () => false }
const NOBODY = { bytes: 0, messages: 0 }

function unit(fields: Partial<DrillUnit> = {}): DrillUnit {
  return {
    ...{
      project_id: 'shop',
      type: 'database',
      source_name: 'db',
      member: null,
      backup_id: 'b',
      kind: 'postgres',
    },
    ...{
      size: 1000,
      archive_size: 900,
      messages: 2,
      database_size: 5000,
      first_complete_at: new Date(START),
    },
    ...{
      within_ms: 30 * DAY_MS,
      since: new Date(START),
      waits_for: null,
      proven_at: null,
      proven_depth: null,
    },
    ...{ proof: null, last_drill: null, tried_at: null, done_at: null, failure: null },
    ...{ is_drilling: false, is_backing_up: false },
    ...fields,
  }
}

const after = (ms: number): Date => new Date(START + ms)
const plan = (units: DrillUnit[], now: Date, machine = IDLE, lately = NOBODY) =>
  planDrills({ units, lately, now }, machine, RULES)

describe('one drill after the other', () => {
  const history = fc.record({
    limitMs: fc.constantFrom(2 * MINUTE_MS, HOUR_MS, DAY_MS, 30 * DAY_MS),
    /** A drill takes up to this share of the time that there is for each source. */
    drillShare: fc.double({ min: 0.001, max: 0.2, noNaN: true }),
    sources: fc.integer({ min: 1, max: 12 }),
    /** Every so many drills, one fails. */
    failsEach: fc.integer({ min: 4, max: 50 }),
    busyShare: fc.double({ min: 0, max: 0.9, noNaN: true }),
  })

  it('proves every source within its time, never two at once, and none too often', () => {
    fc.assert(
      fc.property(history, ({ limitMs, drillShare, sources, failsEach, busyShare }) => {
        const drillMs = (limitMs / 4 / sources) * drillShare
        const units = Array.from({ length: sources }, (_, index) =>
          unit({ source_name: `s${index}`, within_ms: limitMs }),
        )
        let running: { of: DrillUnit; until: number; fails: boolean } | undefined
        let made = 0
        for (let ms = 0; ms < 4 * limitMs; ms += limitMs / 200) {
          if (running !== undefined && running.until <= ms) {
            running.of.is_drilling = false
            if (!running.fails) running.of.proven_at = after(ms)
            running = undefined
          }
          const loadPerCore = (ms / limitMs) % 1 < busyShare ? 5 : 0
          const { drill } = plan(units, after(ms), { ...IDLE, loadPerCore })
          if (drill !== undefined) {
            expect(running).toBeUndefined()
            const earlier = drill.proven_at?.getTime() ?? START
            expect(START + ms - earlier).toBeGreaterThanOrEqual(limitMs / 2)
            Object.assign(drill, { is_drilling: true, tried_at: after(ms) })
            running = { of: drill, until: ms + drillMs, fails: ++made % failsEach === 0 }
          }
          // A call of expect each would take most of the time.
          if (units.some(one => START + ms > Number(overdueAt(one)))) expect.fail(`overdue after ${ms} ms`)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('the oldest proof first, and one that failed behind the others', () => {
    const old = unit({ source_name: 'old', proven_at: after(-40 * DAY_MS), since: after(-90 * DAY_MS) })
    const older = { ...old, source_name: 'older', proven_at: after(-50 * DAY_MS) }
    expect(plan([old, older], after(0)).drill?.source_name).toBe('older')
    const tried = { ...older, tried_at: after(-7 * HOUR_MS) }
    expect(plan([old, tried], after(0)).drill?.source_name).toBe('old')
    expect(plan([{ ...tried, tried_at: after(-HOUR_MS) }], after(0)).drill).toBeUndefined()
  })

  it('not all sources of an old catalog at once, when drills begin to be wanted', () => {
    const units = Array.from({ length: 40 }, (_, index) =>
      unit({ source_name: `s${index}`, first_complete_at: after(-400 * DAY_MS) }),
    )
    const dueNow = units.filter(one => plan([one], after(HOUR_MS)).drill !== undefined)
    expect(dueNow.length).toBeLessThan(5)
    for (const one of units) {
      expect(plan([one], after(8 * DAY_MS)).drill).toBeDefined()
      expect(overdueAt(one)).toEqual(after(15 * DAY_MS))
    }
  })
})

describe('what puts a drill off', () => {
  const due = unit({ proven_at: after(-22.4 * DAY_MS), since: after(-90 * DAY_MS) })
  const late = { ...due, proven_at: after(-29 * DAY_MS) }

  it('a full disk always, and only on this machine', () => {
    const full = { ...IDLE, freeBytes: 100 }
    expect(plan([late], after(0), full)).toMatchObject({
      waiting: [{ reason: expect.stringMatching(/free/) }],
    })
    expect(plan([late], after(0), full).drill).toBeUndefined()
    const elsewhere = { ...RULES, isElsewhere: () => true }
    expect(planDrills({ units: [late], lately: NOBODY, now: after(0) }, full, elsewhere).drill).toBe(late)
    const small = unit({ ...late, source_name: 'dir', kind: 'directory', size: 50, database_size: null })
    expect(plan([late, small], after(0), full).drill).toBe(small)
  })

  it('load, messages and a backup that runs, but not until it is too late', () => {
    const busy = { ...IDLE, loadPerCore: 3 }
    expect(plan([due], after(0), busy).waiting).toMatchObject([{ reason: expect.stringMatching(/busy/) }])
    expect(plan([late], after(0), busy).drill).toBe(late)
    const much = { bytes: 1, messages: 299 }
    expect(plan([due], after(0), IDLE, much).waiting).toMatchObject([
      { reason: expect.stringMatching(/enough/) },
    ])
    expect(plan([late], after(0), IDLE, much).drill).toBe(late)
    const running = { ...due, is_backing_up: true }
    expect(plan([running], after(0)).waiting).toMatchObject([{ reason: 'a backup of it runs' }])
    // Backups that follow each other without a pause would put it off for ever.
    const always = { ...late, is_backing_up: true }
    expect(plan([always], after(0)).drill).toBe(always)
    expect(plan([late, { ...due, is_drilling: true }], after(0)).drill).toBeUndefined()
  })

  it('nothing is wanted where no serve wants it', () => {
    expect(plan([unit({ within_ms: null, since: null, proven_at: null })], after(900 * DAY_MS))).toEqual({
      waiting: [],
    })
  })
})
