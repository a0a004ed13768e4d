import {
  type ContentsResult,
  type Difference,
  type DrillDepth,
  difference,
  type NotCovered,
} from '#drilling.ts'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import type { SequenceValue, TableRows } from '#postgres/database-contents.ts'
import {
  compareHashes,
  type HashComparison,
  OTHERS,
  type RestoredHashes,
} from '#postgres/drill/compare-hashes.ts'
import { keyOf } from '#postgres/drill/table-key.ts'

export interface RestoredContents {
  rows: readonly TableRows[]
  sequences: readonly SequenceValue[]
  objects: Readonly<Record<string, number>>
  /** Only where hashes are recorded; a text says why those cannot be compared here. */
  hashes?: RestoredHashes | string | undefined
}

export interface Comparison {
  depth: DrillDepth
  contents: ContentsResult
  differences: Difference[]
  notCovered: NotCovered[]
  tables: number
  rows: number
}

export function compareContents(recorded: DatabaseContents, restored: RestoredContents): Comparison {
  const hashes = comparedHashes(recorded, restored)
  const { differences, tables, rows, ...counts } = compareRows(recorded, restored, hashes)
  differences.push(
    ...hashes.differences,
    ...compareSequences(recorded, restored),
    ...compareObjects(recorded, restored),
  )
  const notCovered = [...hashes.notCovered, ...counts.notCovered]
  const isAnythingKnown = recorded.counted > 0 || recorded.objects !== undefined
  const depth = hashes.isAnyCompared ? 'contents' : isAnythingKnown ? 'counts' : 'restored'
  const equal = notCovered.length > 0 ? 'equal in part' : 'equal'
  const unequal = depth === 'contents' ? equal : 'not compared'
  const contents = differences.length > 0 ? 'different' : unequal
  return { depth, contents, differences, notCovered, tables, rows }
}

interface ComparedHashes extends HashComparison {
  /** Whether a single hash was compared, or there was nothing to hash. */
  isAnyCompared: boolean
  rootOf: ReadonlyMap<string, string>
}

/** Where hashes cannot be compared, each table that has one is not covered. */
function comparedHashes({ hashes: recorded }: DatabaseContents, restored: RestoredContents): ComparedHashes {
  const nothing = { differences: [], notCovered: [], compared: new Set<string>(), rootOf: new Map() }
  const { hashes } = restored
  if (recorded === undefined || hashes === undefined)
    return { ...nothing, areOthersCompared: false, isAnyCompared: false }
  if (typeof hashes === 'string') {
    const notCovered = recorded.tables.map(([schema, table]) => ({
      table: `${schema}.${table}`,
      reason: hashes,
    }))
    return { ...nothing, notCovered, areOthersCompared: false, isAnyCompared: false }
  }
  const comparison = compareHashes(recorded, hashes)
  const isAnyCompared = comparison.compared.size > 0 || comparison.notCovered.length === 0
  return { ...comparison, isAnyCompared, rootOf: hashes.rootOf }
}

/** Rows may have moved between partitions whose hash is compared; and no table is told twice. */
function compareRows(
  recorded: DatabaseContents,
  restored: RestoredContents,
  hashes: ComparedHashes,
): Pick<Comparison, 'differences' | 'notCovered' | 'tables' | 'rows'> {
  const counts = new Map(restored.rows.map(([schema, table, rows]) => [keyOf(schema, table), rows]))
  const differences: Difference[] = []
  const notCovered: NotCovered[] = []
  const told = new Set(hashes.differences.map(({ object }) => object))
  const toldAsOpen = new Set(hashes.notCovered.map(({ table }) => table))
  let tables = 0
  let rows = 0
  for (const [schema, table, expected] of recorded.rows) {
    if (expected === null) continue
    const key = keyOf(schema, table)
    const object = `${schema}.${table}`
    const found = counts.get(key)
    if (found === null) {
      if (!toldAsOpen.has(object)) notCovered.push({ table: object, reason: UNCOUNTED })
      continue
    }
    tables++
    rows += expected
    const root = hashes.rootOf.get(key) ?? key
    const isPartition = root !== key && hashes.compared.has(root)
    if (found === expected || isPartition || told.has(object)) continue
    differences.push(differenceInRows(object, expected, found))
  }
  const named = new Set(recorded.rows.map(([schema, table]) => keyOf(schema, table)))
  const others = restored.rows.filter(([schema, table]) => !named.has(keyOf(schema, table)))
  if (recorded.others !== undefined) {
    tables += recorded.others.tables
    rows += recorded.others.rows
    const isCounted = others.every(([, , count]) => count !== null)
    if (!isCounted && !toldAsOpen.has(OTHERS)) notCovered.push({ table: OTHERS, reason: UNCOUNTED })
    if (isCounted && !hashes.areOthersCompared) differences.push(...compareOthers(recorded.others, others))
  }
  return { differences, notCovered, tables, rows }
}

const UNCOUNTED = 'in the drill, its rows could not be counted'

/** `found` is undefined without such a table. */
function differenceInRows(object: string, expected: number, found: number | undefined): Difference {
  const told = difference('table', object, `${expected} rows`, {
    found: found === undefined ? 'no such table' : `${found} rows`,
  })
  return { ...told, change: found === undefined ? 'missing' : found < expected ? 'fewer' : 'more' }
}

function compareOthers(
  expected: { tables: number; rows: number },
  found: readonly TableRows[],
): Difference[] {
  const rows = found.reduce((sum, [, , count]) => sum + (count ?? 0), 0)
  if (found.length === expected.tables && rows === expected.rows) return []
  return [
    difference('table', OTHERS, `${expected.rows} rows in ${expected.tables}`, {
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
    const found = Object.hasOwn(restored.objects, kind) ? restored.objects[kind] : undefined
    // This version may not count a kind.
    return found === undefined || found === expected
      ? []
      : [difference('objects', kind, String(expected), { found: String(found) })]
  })
}
