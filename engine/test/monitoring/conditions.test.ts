import type { SourceFacts } from '@telegram-backup/database'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findConditions, type WatchFacts, type WatchRules } from '#monitoring/conditions.ts'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const HOUR = 3_600_000
const ago = (ms: number): Date => new Date(NOW - ms)

function source(
  change: Partial<SourceFacts> & { completeAgo?: number; failedAgo?: number } = {},
): SourceFacts {
  const { completeAgo, failedAgo, ...facts } = change
  return {
    project_id: 'shop',
    type: 'database',
    source_name: 'shop-db',
    is_scheduled: true,
    scheduled_since: ago(1000 * HOUR),
    complete_count: 1,
    complete_size: 1,
    complete_archive_size: 1,
    damaged_count: 0,
    last_damaged_at: null,
    last_complete:
      completeAgo === undefined
        ? null
        : {
            backup_id: 'b',
            created_at: ago(completeAgo),
            completed_at: ago(completeAgo),
            size: 1,
            archive_size: 1,
            part_count: 1,
            duration_ms: 1,
            damaged_at: null,
            missing_files: 0,
          },
    last_verified_at: null,
    last_drilled_at: null,
    last_failed_at: failedAgo === undefined ? null : ago(failedAgo),
    recent_sizes: [],
    ...facts,
  }
}

const RULES: WatchRules = {
  noBackupForMs: null,
  ownNoBackupForMs: new Map([['shop-db', null]]),
  ownPlaces: new Map(),
  smallerThan: 0.5,
  waitingForMs: HOUR,
  patienceMs: 30_000,
}

function find(sources: SourceFacts[], facts: Partial<WatchFacts> = {}, rules: Partial<WatchRules> = {}) {
  return findConditions(
    {
      now: NOW,
      watchedSince: NOW - 1000 * HOUR,
      sources,
      intervalsMs: new Map([['shop-db', HOUR]]),
      pausedSchedules: new Map(),
      scheduledPlaces: new Map(),
      ...{ drills: [], buckets: [], openJobs: [] },
      eraseFailures: 0,
      notices: [],
      ...{ chatTrouble: null, fileFaults: [] },
      openAlerts: new Set(),
      ...facts,
    },
    { ...RULES, ...rules },
  ).map(({ key }) => key)
}

const away = (ms: number) => ({
  since: NOW - ms,
  forMs: ms,
  isNotOurs: false,
  code: 'UNREACHABLE',
  message: 'It does not answer',
})

const OVERDUE = 'backup_overdue:shop/database/shop-db'
const FAILED = 'backup_failed:shop/database/shop-db'
const SMALL = 'backup_small:shop/database/shop-db'
const runs = { count: 1, running: 1, oldest_ms: null, failing: null }
const atWork = { kind: 'backup' as const, source: 'shop-db', target: null, ...runs }

describe('what is wrong', () => {
  test('nothing, where the last backup is younger than twice the interval', () => {
    expect(find([source({ completeAgo: 2 * HOUR - 1 })])).toEqual([])
    expect(find([source({ completeAgo: 2 * HOUR + 1 })])).toEqual([OVERDUE])
  })

  test('a source that never had a complete backup is overdue as well, counted from its schedule', () => {
    expect(find([source({ scheduled_since: ago(3 * HOUR) })])).toEqual([OVERDUE])
    expect(find([source({ scheduled_since: ago(HOUR) })])).toEqual([])
  })

  test('a schedule of every minute is given a quarter of an hour', () => {
    const everyMinute = { intervalsMs: new Map([['shop-db', 60_000]]) }
    expect(find([source({ completeAgo: 14 * 60_000 })], everyMinute)).toEqual([])
    expect(find([source({ completeAgo: 16 * 60_000 })], everyMinute)).toEqual([OVERDUE])
  })

  test('what the source says of itself comes before what is said for all, and that before its interval', () => {
    const sources = [source({ completeAgo: 10 * HOUR })]
    expect(find(sources, {}, { noBackupForMs: 11 * HOUR })).toEqual([])
    const own = new Map([['shop-db', 9 * HOUR]])
    expect(find(sources, {}, { noBackupForMs: 11 * HOUR, ownNoBackupForMs: own })).toEqual([OVERDUE])
  })

  test('a source of another machine, whose own limit is not known here, is given twice as long', () => {
    const elsewhere = { ownNoBackupForMs: new Map() }
    expect(find([source({ completeAgo: 3 * HOUR })], {}, elsewhere)).toEqual([])
    expect(find([source({ completeAgo: 5 * HOUR })], {}, elsewhere)).toEqual([OVERDUE])
  })

  test('a source in the file with a limit, of which the catalog knows nothing, is overdue after a while', () => {
    const rules = { ownNoBackupForMs: new Map([['photos', 5 * HOUR]]) }
    expect(find([], { watchedSince: NOW - 4 * HOUR }, rules)).toEqual([])
    expect(find([], { watchedSince: NOW - 6 * HOUR }, rules)).toEqual(['backup_overdue:photos'])
  })

  test('without a schedule and a limit nothing is overdue, however old it is', () => {
    const old = source({ completeAgo: 9000 * HOUR, is_scheduled: false, scheduled_since: null })
    expect(find([old], { intervalsMs: new Map() })).toEqual([])
  })

  test('what was sent by hand under another project or type than the schedule or the file has is never overdue', () => {
    const off = { is_scheduled: false, scheduled_since: null }
    const byHand = source({ completeAgo: 9 * HOUR, ...off, project_id: 'other' })
    const sources = [
      source({ completeAgo: HOUR }),
      byHand,
      { ...byHand, project_id: 'shop', type: 'storage' as const },
    ]
    const scheduledPlaces = new Map([['shop-db', ['shop/database']]])
    const ownPlaces = new Map([['shop-db', ['shop/database']]])
    const own = { noBackupForMs: 3 * HOUR, ownPlaces }
    expect(find(sources, { scheduledPlaces })).toEqual([])
    expect(find(sources, { intervalsMs: new Map() }, own)).toEqual([])
    expect(find([source({ completeAgo: 9 * HOUR }), byHand], { scheduledPlaces }, own)).toEqual([OVERDUE])
    const paused = { pausedSchedules: new Map([['shop-db', { intervalMs: HOUR, since: NOW - 99 * HOUR }]]) }
    expect(find([byHand], { ...paused, intervalsMs: new Map(), scheduledPlaces })).toEqual([])
    // It is no backup of the source that the file means.
    expect(find([byHand], {}, own)).toEqual(['backup_overdue:shop-db'])
  })

  test('a failure counts until a complete backup, not while it is tried again, and then it does not flicker', () => {
    const broken = source({ completeAgo: 1000, failedAgo: 500 })
    expect(find([broken])).toEqual([FAILED])
    expect(find([broken], { openJobs: [atWork] })).toEqual([])
    expect(find([broken], { openJobs: [atWork], openAlerts: new Set([FAILED]) })).toEqual([FAILED])
    expect(find([source({ completeAgo: 400, failedAgo: 500 })])).toEqual([])
    expect(find([{ ...broken, source_name: null }])).toEqual([])
  })

  test('a backup is small against the median of at least three before it', () => {
    const of = (...recent_sizes: number[]) => find([source({ completeAgo: 1, recent_sizes })])
    expect(of(49, 100, 90, 110)).toEqual([SMALL])
    expect(of(50, 100, 90, 110)).toEqual([])
    expect(of(1, 100, 100)).toEqual([])
    expect(of(0, 0, 0, 0)).toEqual([])
    expect(of(49, 100, 90, 1_000_000)).toEqual([SMALL])
    expect(
      find([source({ completeAgo: 1, recent_sizes: [1, 100, 90, 110] })], {}, { smallerThan: 0 }),
    ).toEqual([])
  })

  test('damage, messages that cannot be erased, jobs that nobody takes, and a chat that is away for long', () => {
    const waiting = {
      kind: 'restore' as const,
      source: null,
      target: 'lab',
      count: 1,
      running: 0,
      oldest_ms: HOUR + 1,
      failing: null,
    }
    expect(
      find([source({ completeAgo: 1, damaged_count: 2 })], {
        eraseFailures: 1,
        openJobs: [
          waiting,
          { ...waiting, target: 'busy', running: 1 },
          { ...waiting, target: 'new', oldest_ms: 5 },
        ],
        notices: [
          { channel: 'webhook', count: 2, oldest_ms: HOUR },
          { channel: 'chat', count: 1, oldest_ms: 60_000 },
        ],
        chatTrouble: away(30_000),
      }),
    ).toEqual([
      'backup_damaged:shop/database/shop-db',
      'jobs_waiting:restore:lab',
      'notices_waiting:webhook',
      'chat_unreachable',
    ])
    expect(find([], { chatTrouble: away(29_000), eraseFailures: 4 })).toEqual([])
    expect(find([], { eraseFailures: 1 })).toEqual(['erase_failed'])
    const isTold = { openAlerts: new Set(['erase_failed']) }
    expect(find([], { chatTrouble: away(1), eraseFailures: 4, ...isTold })).toEqual(['erase_failed'])
    expect(find([], { chatTrouble: { ...away(30_000), isNotOurs: true } })).toEqual(['chat_not_ours'])
    const fault = { host: 'a', code: 'X', message: 'x' }
    const fileFaults = (['config_unusable', 'certificate_unusable'] as const).map(kind => ({
      ...fault,
      kind,
    }))
    expect(find([], { fileFaults })).toEqual(['config_unusable:a', 'certificate_unusable:a'])
  })

  test('a process that has only just begun to watch finds what was told, until it is disproved', () => {
    const began = {
      watchedSince: NOW,
      openAlerts: new Set(['backup_overdue:photos', OVERDUE, 'chat_unreachable']),
    }
    const rules = { ownNoBackupForMs: new Map([['photos', 5 * HOUR]]) }
    expect(find([], began, rules)).toEqual(['backup_overdue:photos'])
    const never = source({ scheduled_since: null, is_scheduled: false })
    expect(find([never], began)).toEqual([OVERDUE])
    expect(find([{ ...never, ...source({ completeAgo: 1 }) }], began)).toEqual([])
    expect(find([], { ...began, chatTrouble: away(0) })).toEqual(['chat_unreachable'])
  })

  test('a schedule that was switched off and forgotten is found after a day, or two of its runs', () => {
    const off = (intervalMs: number, ago: number) => ({
      pausedSchedules: new Map([['shop-db', { intervalMs, since: NOW - ago }]]),
      intervalsMs: new Map(),
    })
    const quiet = (completeAgo: number) => source({ completeAgo, scheduled_since: null, is_scheduled: false })
    const key = 'schedule_off:shop/database/shop-db'
    expect(find([quiet(100 * HOUR)], off(HOUR, 24 * HOUR))).toEqual([])
    expect(find([quiet(100 * HOUR)], off(HOUR, 25 * HOUR))).toEqual([key])
    expect(find([quiet(2 * HOUR)], off(HOUR, 25 * HOUR))).toEqual([])
    expect(find([quiet(100 * HOUR)], off(24 * HOUR, 47 * HOUR))).toEqual([])
    expect(find([quiet(100 * HOUR)], off(24 * HOUR, 49 * HOUR))).toEqual([key])
    expect(find([quiet(100 * HOUR)], off(HOUR, 25 * HOUR), { noBackupForMs: 26 * HOUR })).toEqual([OVERDUE])
  })

  const anySource = fc
    .record({
      completeAgo: fc.option(fc.nat(100 * HOUR), { nil: undefined }),
      failedAgo: fc.option(fc.nat(100 * HOUR), { nil: undefined }),
      is_scheduled: fc.boolean(),
      damaged_count: fc.nat(3),
      recent_sizes: fc.array(fc.nat(1000), { maxLength: 6 }),
      source_name: fc.constantFrom(null, 'shop-db', 'photos'),
      project_id: fc.constantFrom('a', 'b'),
    })
    .map(({ completeAgo, failedAgo, ...rest }) =>
      source({
        ...rest,
        ...(completeAgo !== undefined && { completeAgo }),
        ...(failedAgo !== undefined && { failedAgo }),
      }),
    )

  test('whatever the facts: no key twice, the same whatever the order, and never right again by waiting alone', () => {
    const unique = fc.uniqueArray(anySource, { selector: one => `${one.project_id}${one.source_name}` })
    fc.assert(
      fc.property(unique, fc.nat(50 * HOUR), (sources, later) => {
        const keys = find(sources)
        expect(new Set(keys).size).toBe(keys.length)
        expect(find([...sources].reverse()).sort()).toEqual([...keys].sort())
        expect(find(sources, { now: NOW + later })).toEqual(expect.arrayContaining(keys))
      }),
    )
  })

  test('a silent source is told of in the end, whatever else is known of it', () => {
    fc.assert(
      fc.property(anySource, one => {
        fc.pre(one.source_name === 'shop-db')
        const keys = find([one], { now: NOW + 3 * HOUR })
        expect(keys).toContain(`backup_overdue:${one.project_id}/database/shop-db`)
      }),
    )
  })
})
