import { expect, it } from 'vitest'
import { recordFacts, recoverySeconds, reportOf, resultOf } from '#screens/proof/drill-report.ts'

const PHASES = { fetch_seconds: 1, open_seconds: 2, restore_seconds: 4, compare_seconds: 8 }

function drill(report: Record<string, unknown> | null, of: object = {}) {
  return { state: 'sound' as const, depth: 'contents' as const, report, ...of }
}

it.each([
  ['running', drill(null, { state: 'running', depth: null })],
  ['passed', drill({ compared: { contents: 'equal' } })],
  ['partly', drill({ compared: { contents: 'equal in part' } })],
  ['partly', drill({ compared: { contents: 'not compared' } }, { depth: 'counts' })],
  ['notCompared', drill({ compared: { contents: 'not compared' } }, { depth: 'restored' })],
  ['differs', drill({ differences: [{ object: 'public.t' }] }, { state: 'failed' })],
  // A verdict of differences counts, whatever the state says.
  ['differs', drill({ compared: { contents: 'equal' }, differences: [{ object: 'public.t' }] })],
  ['notRestored', drill(null, { state: 'failed', depth: null })],
])('is %s', (result, of) => {
  expect(resultOf(of)).toBe(result)
})

it('reads a report of another version without believing its shape', () => {
  expect(reportOf({ report: { phases: PHASES, compared: { rows: 'many' }, notes: ['a', 7] } })).toMatchObject(
    {
      phases: { fetch: 1, open: 2, restore: 4, compare: 8 },
      compared: { rows: undefined },
      notes: ['a'],
      differences: [],
    },
  )
  expect(
    reportOf({ report: { phases: { ...PHASES, open_seconds: null }, differences: 'none' } }),
  ).toMatchObject({
    phases: undefined,
    differences: [],
  })
  expect(reportOf({ report: null }).notCovered).toEqual([])
})

it('the recovery time leaves out the comparison', () => {
  expect(recoverySeconds({ fetch: 1, open: 2, restore: 4, compare: 8 })).toBe(7)
  const record = {
    drill: { phases: PHASES },
    recovery_point_seconds: 60,
    tables: { named: [{ table: 't' }], further: 3 },
  }
  expect(recordFacts({ record })).toMatchObject({
    recoveryPointSeconds: 60,
    recoverySeconds: undefined,
    tables: [{ table: 't', rows: undefined, result: '' }],
    furtherTables: 3,
  })
})
