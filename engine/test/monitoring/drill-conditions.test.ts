import type { DrillUnit } from '@telegram-backup/database'
import { expect, it } from 'vitest'
import { problemText } from '#monitoring/condition-texts.ts'
import { drillConditions } from '#monitoring/drill-conditions.ts'

const HOUR = 3_600_000
const NOW = Date.UTC(2026, 0, 10)
const ago = (hours: number): Date => new Date(NOW - hours * HOUR)

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
    ...{ size: 1, archive_size: 1, messages: 2, database_size: 1, first_complete_at: ago(100) },
    ...{ within_ms: 24 * HOUR, since: ago(90), waits_for: null, proven_at: ago(1), proven_depth: 'counts' },
    ...{
      measured: [],
      last_drill: { state: 'sound', at: ago(1), code: null, error: null },
      tried_at: ago(1),
    },
    ...{ done_at: null, failure: null, is_drilling: false, is_backing_up: false },
    ...fields,
  }
}

const find = (...units: DrillUnit[]) => drillConditions(units, NOW)

it('a proof that is older than its limit is overdue, with the reason if one is known', () => {
  expect(find(unit())).toEqual([])
  expect(find(unit({ proven_at: ago(23) }))).toEqual([])
  const [late] = find(unit({ proven_at: ago(25), waits_for: 'the disk of the state folder is full' }))
  expect(late).toMatchObject({ key: 'drill_overdue:shop/database/db', source: 'db' })
  expect(late && problemText(late)).toBe(
    'No drill has proven the backups of "db" (project shop, database) for too long. The last proof: 2026-01-08T23:00:00.000Z; there should be one every 24 h at least. The next drill waits: the disk of the state folder is full.',
  )
})

it('a source that was never drilled is overdue after its limit; a limit that is new gives it time', () => {
  expect(find(unit({ proven_at: null, last_drill: null }))).toMatchObject([{ details: { proven_at: null } }])
  expect(find(unit({ proven_at: null, last_drill: null, since: ago(11) }))).toEqual([])
  expect(find(unit({ proven_at: null, last_drill: null, first_complete_at: ago(23) }))).toEqual([])
  expect(find(unit({ proven_at: ago(900), within_ms: null, since: null }))).toEqual([])
})

it('a drill that differs or cannot restore is a problem until the next good one, without its place', () => {
  const error = 'What was restored in a database of its own on root@10.0.0.1:5432 differs'
  const [different] = find(unit({ last_drill: { state: 'failed', at: ago(0), code: 'DIFFERENT', error } }))
  expect(different && problemText(different)).toBe(
    'The last drill of "db" (project shop, database) failed: what was restored differs from its source. "telegram-backup show b" says more.',
  )
  expect(JSON.stringify(different)).not.toContain('10.0.0.1')
  const [refused] = find(unit({ last_drill: { state: 'failed', at: ago(0), code: 'POSTGRES', error } }))
  expect(refused && problemText(refused)).toContain('the backup could not be restored (POSTGRES)')
})

it('a late proof after a failed drill names the failure first, and tells no place', () => {
  const message = 'What was restored in a database of its own on root@10.0.0.1:5432 differs'
  const found = find(
    unit({
      ...{ proven_at: ago(25), failure: { code: 'DIFFERENT', message, at: ago(0) } },
      last_drill: { state: 'failed', at: ago(0), code: 'DIFFERENT', error: message },
    }),
  )
  expect(found.map(({ kind }) => kind)).toEqual(['drill_failed', 'drill_overdue'])
  expect(found.map(problemText)[1]).toMatch(/every 24 h at least\. The last drill found a difference\.$/)
  expect(JSON.stringify(found)).not.toContain('10.0.0.1')
  const [, refused] = find(
    unit({
      ...{ proven_at: ago(25), failure: { code: 'POSTGRES', message, at: ago(0) } },
      last_drill: { state: 'failed', at: ago(0), code: 'POSTGRES', error: message },
    }),
  )
  expect(refused && problemText(refused)).toMatch(/ The last drill failed \(POSTGRES\)\.$/)
})

it('of a source with members, the worst one counts', () => {
  const late = unit({ member: 'b', proven_at: ago(30) })
  expect(find(unit({ member: 'a' }), late, unit({ member: 'c', proven_at: ago(26) }))).toMatchObject([
    { kind: 'drill_overdue', details: { member: 'b' } },
  ])
})
