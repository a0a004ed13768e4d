import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DrillEvidence,
  loadOrCreateSigningKey,
  readEvidence,
  type SigningKey,
} from '@telegram-backup/archive'
import type { Difference } from '@telegram-backup/connectors/drilling.ts'
import type { BackupDetails } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drillSigner, type EndedDrill } from '#proof/drill-evidence.ts'

const folder = mkdtempSync(join(tmpdir(), 'drill-evidence-'))
let key: SigningKey
beforeAll(async () => {
  key = await loadOrCreateSigningKey(join(folder, 'key.pem'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const BACKUP = {
  ...{ id: randomUUID(), project_id: 'shop', type: 'database', source_name: 'orders', size: 5 },
  ...{ created_at: new Date('2026-12-01T01:00:00Z'), completed_at: null, plain_sha256: null, signer: null },
  ...{ manifest: null, source: null },
} as unknown as BackupDetails
const PHASES = { fetch_seconds: 1, open_seconds: 2, restore_seconds: 3, compare_seconds: 4 }
const PLACE = {
  number: 1,
  previous: undefined,
  catalog_id: randomUUID(),
  at: new Date('2026-12-01T03:00:10Z'),
}

const ended = (over: Partial<EndedDrill>): EndedDrill => ({
  ...{ backup: BACKUP, verificationId: randomUUID(), startedBy: 'the service', seconds: 10, phases: PHASES },
  ...{ isOnNamedServer: false, tables: undefined, result: REPORT },
  ...over,
})
const REPORT: Extract<EndedDrill['result'], { state: unknown }> = {
  ...{ state: 'passed', depth: 'counts', compared: { contents: 'not compared', tables: 1, rows: 1 } },
  ...{
    where: 'a server of its own',
    not_covered: [],
    differences: [],
    notes: [],
    seconds: 10,
    phases: PHASES,
  },
}

function recordOf(drill: EndedDrill): DrillEvidence {
  const row = drillSigner(drill, key)?.(PLACE)
  const { record } = readEvidence(row?.envelope ?? '')
  if (record.kind !== 'drill') throw new Error('not a drill')
  return record
}

test('age of the data and recovery time are measured: to fetch, open and restore', () => {
  const { recovery_point_seconds, recovery_seconds, drill } = recordOf(ended({}))
  expect(drill).toMatchObject({
    started_at: '2026-12-01T03:00:00.000Z',
    ended_at: '2026-12-01T03:00:10.000Z',
  })
  expect({ recovery_point_seconds, recovery_seconds }).toEqual({
    recovery_point_seconds: 7_200,
    recovery_seconds: 6,
  })
})

test('each table of the record has its result', () => {
  const difference: Difference = {
    ...{ object: 'public.b', kind: 'table', expected: '2', found: '1', reason: 'table public.b: 2, 1' },
  }
  const { tables } = recordOf(
    ended({
      tables: {
        total: 5,
        named: [
          { table: 'public.a', rows: 3 },
          { table: 'public.b', rows: 2 },
          { table: 'public.c', rows: 1 },
          { table: 'public.d', rows: null },
        ],
      },
      result: {
        ...REPORT,
        ...{
          state: 'differs',
          differences: [difference],
          not_covered: [{ table: 'public.c', reason: 'a lock' }],
        },
      },
    }),
  )
  expect(tables?.named.map(({ result }) => result)).toEqual([
    'equal',
    'different',
    'not covered',
    'not covered',
  ])
  expect(tables?.further).toBe(1)
})

test('a failed restore is evidence, in words that name no machine; a cancelled one is none', () => {
  const error = new BackupError('PostgreSQL at db.internal:5432 refused it', { code: 'POSTGRES' })
  const record = recordOf(ended({ result: { error }, isOnNamedServer: true }))
  expect(record).toMatchObject({ outcome: 'not restored', error: { code: 'POSTGRES' } })
  expect(record.recovery_seconds).toBeUndefined()
  expect(JSON.stringify(record)).not.toContain('internal')
  for (const code of ['CANCELLED', 'LEASE_LOST', 'CATALOG'])
    expect(drillSigner(ended({ result: { error: new BackupError('', { code }) } }), key)).toBeUndefined()
  const named = { ...REPORT, where: 'a database of db.internal' }
  expect(JSON.stringify(recordOf(ended({ result: named, isOnNamedServer: true })))).not.toContain('internal')
})

test('an error may have any code, also one named as a property that every object has', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)), code => {
      const record = recordOf(ended({ result: { error: new BackupError('no', { code }) } }))
      expect(record.error).toEqual({ code, words: 'The drill failed' })
    }),
  )
})

test('any names and any number of them make a record that is one message', () => {
  const name = fc.string({ unit: 'binary', maxLength: 400 })
  const count = fc.constantFrom(0, 1, 7, 3_000)
  fc.assert(
    fc.property(name, name, count, count, (one, other, tables, differences) => {
      const difference = { object: one, kind: 'table', expected: other, found: one, reason: other } as const
      const record = recordOf(
        ended({
          backup: { ...BACKUP, source_name: one },
          tables: { total: tables, named: Array.from({ length: tables }, () => ({ table: one, rows: 1 })) },
          result: {
            ...REPORT,
            ...{ state: 'differs', differences: Array.from({ length: differences }, () => difference) },
            not_covered: Array.from({ length: tables }, () => ({ table: other, reason: one })),
          },
        }),
      )
      expect(record.differences.length + record.differences_further).toBe(differences)
      expect(record.not_covered.length + record.not_covered_further).toBe(tables)
      expect((record.tables?.named.length ?? 0) + (record.tables?.further ?? 0)).toBe(tables)
      expect(JSON.stringify(record).length).toBeLessThanOrEqual(256 * 1024)
    }),
    { numRuns: 25 },
  )
})
