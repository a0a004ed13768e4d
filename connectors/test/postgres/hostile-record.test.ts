import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashOfBuckets } from '#postgres/contents/content-hash.ts'
import { hashesOf } from '#postgres/contents/hash-record.ts'
import { contentsIn, recordOf } from '#postgres/contents-record.ts'
import { contentsWords } from '#postgres/contents-words.ts'
import { compareContents } from '#postgres/drill/compare-contents.ts'
import { compareLines } from '#postgres/lines/compare-lines.ts'
import { linesIn, linesRecordOf } from '#postgres/lines/lines-record.ts'

const HASH = hashOfBuckets([[3, 2, '-1', '5']])
const TABLE = { schema: 's', name: 't', hash: HASH, columns: '01234567', hasGenerated: true }
const HASHES = hashesOf(
  { algorithm: 'fast', probe: '00', encoding: 'UTF8', server_version: '17', floats: 'text', settings: {} },
  { tables: [TABLE], leftOut: [['s', 'u', 'lock']], largeObjects: HASH, seconds: 1 },
)
const LINES = linesRecordOf(
  [{ schema: 's', name: 't', columns: '01234567', sum: { lines: 2, sum: 5n }, leftOut: undefined }],
  { encoding: 'UTF8', server_major: 17, time_zones: ['UTC'], is_time_zone_known: true, roles: ['r'] },
)
const GOOD = {
  ...recordOf({
    rows: [['s', 't', 2]],
    sequences: { before: [['s', 'q', '1']], after: [['s', 'q', '2']] },
    objects: { tables: 1 },
    hashes: { ...HASHES, others: { tables: 1, rows: 1, sums: '0'.repeat(32) } },
  }),
  others: { tables: 1, rows: 1 },
  lines: { ...LINES, others: { tables: 1, rows: 1, sum: '0'.repeat(32) } },
}
const RESTORED = {
  rows: [['s', 't', 2] as [string, string, number]],
  sequences: [['s', 'q', '1'] as [string, string, string]],
  objects: { tables: 1 },
}
const LOOKED_UP = {
  tables: [TABLE],
  rootOf: new Map(),
  rowsOf: new Map(),
  refused: new Map(),
  largeObjects: HASH,
}

function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, each]) => pathsOf(each, [...path, name]))]
}

function withAt(value: unknown, [name, ...path]: readonly string[], put: unknown): unknown {
  if (name === undefined) return put
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
  copy[name] = withAt(copy[name], path, put)
  return copy
}

const PUT = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('__proto__', 'constructor', 'toString', -1, 1e300, 0.5, '-', '0x', '\u0000', [], [[]], {}),
)

it('a record with anything anywhere is read as a record, or as none, and never as a text that is no text', async () => {
  expect(contentsIn({ contents: GOOD })).toEqual(GOOD)
  expect(linesIn({ contents: GOOD })).toEqual(GOOD.lines)
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...pathsOf(GOOD)), PUT, async (path, put) => {
      const facts = { contents: withAt(GOOD, path, put) }
      contentsWords(facts)
      const recorded = contentsIn(facts)
      for (const hashes of [LOOKED_UP, 'not comparable', undefined]) {
        const compared = recorded && compareContents(recorded, { ...RESTORED, hashes })
        for (const { table, reason } of compared?.notCovered ?? [])
          expect(typeof table + typeof reason).toBe('stringstring')
      }
      const lines = linesIn(facts)
      for (const name of lines?.roles ?? []) expect(typeof name).toBe('string')
      if (lines !== undefined && 'tables' in lines) for (const [, , , sum] of lines.tables) BigInt(`0x${sum}`)
      if (lines !== undefined && 'reason' in lines) await compareLines(lines, {} as never)
    }),
    { numRuns: 500 },
  )
})
