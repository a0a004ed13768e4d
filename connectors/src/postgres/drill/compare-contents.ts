import { type Difference, difference } from '#drilling.ts'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import type { SequenceValue, TableRows } from '#postgres/database-contents.ts'

export interface RestoredContents {
  rows: readonly TableRows[]
  sequences: readonly SequenceValue[]
  objects: Readonly<Record<string, number>>
}

export interface Comparison {
  differences: Difference[]
  tables: number
  rows: number
}

export function compareContents(recorded: DatabaseContents, restored: RestoredContents): Comparison {
  const counts = new Map(restored.rows.map(([schema, table, rows]) => [keyOf(schema, table), rows]))
  const differences: Difference[] = []
  let tables = 0
  let rows = 0
  for (const [schema, table, expected] of recorded.rows) {
    if (expected === null) continue
    tables++
    rows += expected
    const key = keyOf(schema, table)
    const found = counts.get(key)
    if (found === expected) continue
    const isThere = counts.has(key)
    differences.push(
      difference('table', `${schema}.${table}`, `${expected} rows`, {
        found: !isThere ? 'no such table' : found == null ? 'rows that cannot be counted' : `${found} rows`,
      }),
    )
  }
  const named = new Set(recorded.rows.map(([schema, table]) => keyOf(schema, table)))
  const others = restored.rows.filter(([schema, table]) => !named.has(keyOf(schema, table)))
  if (recorded.others !== undefined) {
    tables += recorded.others.tables
    rows += recorded.others.rows
    differences.push(...compareOthers(recorded.others, others))
  }
  differences.push(...compareSequences(recorded, restored), ...compareObjects(recorded, restored))
  return { differences, tables, rows }
}

function compareOthers(
  expected: { tables: number; rows: number },
  found: readonly TableRows[],
): Difference[] {
  const rows = found.reduce((sum, [, , count]) => sum + (count ?? 0), 0)
  if (found.length === expected.tables && rows === expected.rows) return []
  return [
    difference('table', 'all other tables together', `${expected.rows} rows in ${expected.tables}`, {
      found: `${rows} rows in ${found.length}`,
    }),
  ]
}

/** The value must lie between those that were read before and after the dump. */
function compareSequences({ sequences = [] }: DatabaseContents, restored: RestoredContents): Difference[] {
  const values = new Map(restored.sequences.map(([schema, name, value]) => [keyOf(schema, name), value]))
  return sequences.flatMap(([schema, name, from, to]) => {
    const key = keyOf(schema, name)
    const value = values.get(key)
    if (values.has(key) && isBetween(value ?? null, from, to)) return []
    const expected = from === to ? shown(to) : `${shown(from)} to ${shown(to)}`
    return [
      difference('sequence', `${schema}.${name}`, expected, {
        found: values.has(key) ? shown(value ?? null) : 'no such sequence',
      }),
    ]
  })
}

function isBetween(value: string | null, from: string | null, to: string | null): boolean {
  if (value === from || value === to) return true
  // Before its first value, a sequence could go anywhere up to the last.
  if (value === null || to === null || from === null) return from !== to
  const [least, greatest] =
    BigInt(from) < BigInt(to) ? [BigInt(from), BigInt(to)] : [BigInt(to), BigInt(from)]
  return BigInt(value) >= least && BigInt(value) <= greatest
}

function shown(value: string | null): string {
  return value ?? 'no value yet'
}

function compareObjects({ objects = {} }: DatabaseContents, restored: RestoredContents): Difference[] {
  return Object.entries(objects).flatMap(([kind, expected]) => {
    const found = restored.objects[kind]
    // This version may not count a kind.
    return found === undefined || found === expected
      ? []
      : [difference('objects', kind, String(expected), { found: String(found) })]
  })
}

function keyOf(schema: string, name: string): string {
  return JSON.stringify([schema, name])
}
