import { type Difference, difference, type NotCovered } from '#drilling.ts'
import {
  BUCKETS,
  bucketsText,
  type ContentHash,
  differingBuckets,
  sumsText,
  type TableHash,
} from '#postgres/contents/content-hash.ts'
import { type ContentHashes, type HashedTable, together } from '#postgres/contents/hash-record.ts'
import { keyOf } from '#postgres/drill/table-key.ts'
import { reasonWords } from '#postgres/left-out.ts'

/** What a drill has hashed of the restored database, by the names in the record. */
export interface RestoredHashes {
  /** Partitions added up as their root. */
  tables: readonly HashedTable[]
  /** The key of the root of each partition, of each other table its own. */
  rootOf: ReadonlyMap<string, string>
  /** The rows of each table and partition that was hashed. */
  rowsOf: ReadonlyMap<string, number>
  /** Tables that are there and could not be hashed, by their keys, with the reason for people. */
  refused: ReadonlyMap<string, string>
  /** The hash of all large objects, the reason why there is none, or undefined where none is recorded. */
  largeObjects: ContentHash | string | undefined
}

export interface HashComparison {
  differences: Difference[]
  notCovered: NotCovered[]
  /** The keys of the tables whose hashes were compared, whatever came out. */
  compared: ReadonlySet<string>
  /** Whether all tables without a name in the record were compared as one. */
  areOthersCompared: boolean
}

/** The sums decide; the buckets only show where rows differ. */
export function compareHashes(recorded: ContentHashes, restored: RestoredHashes): HashComparison {
  const found = new Map(restored.tables.map(table => [keyOf(table.schema, table.name), table]))
  const differences: Difference[] = []
  const notCovered = leftOutOf(recorded)
  const compared = new Set<string>()
  for (const table of recorded.tables) {
    const [schema, name] = table
    const key = keyOf(schema, name)
    const refusal = restored.refused.get(key)
    if (refusal !== undefined) {
      notCovered.push({ table: `${schema}.${name}`, reason: refusal })
      continue
    }
    compared.add(key)
    differences.push(...compareTable(table, found.get(key)))
  }
  const others = compareOthers(recorded, restored)
  const large = compareLargeObjects(recorded, restored)
  return {
    differences: [...differences, ...others.differences, ...large.differences],
    notCovered: [...notCovered, ...others.notCovered, ...large.notCovered],
    compared,
    areOthersCompared: recorded.others !== undefined && others.notCovered.length === 0,
  }
}

/** What the send has left out, in words. */
function leftOutOf({ left_out, left_out_more = 0, generated = [] }: ContentHashes): NotCovered[] {
  const more = {
    table: `${left_out_more} more`,
    reason: 'the record of the backup has no room for their names',
  }
  return [
    ...left_out.map(([schema, table, reason]) => ({
      table: schema === null || table === null ? LARGE_OBJECTS : `${schema}.${table}`,
      reason: reasonWords(reason),
    })),
    ...(left_out_more > 0 ? [more] : []),
    ...generated.map(([schema, table]) => ({ table: `${schema}.${table}`, reason: GENERATED })),
  ]
}

const LARGE_OBJECTS = 'large objects'
export const OTHERS = 'all other tables together'
const GENERATED = 'its generated columns alone: the server computes them, and no dump holds them'

function compareTable(
  [schema, name, rows, sums, buckets, columns]: TableHash,
  found: HashedTable | undefined,
): Difference[] {
  const object = `${schema}.${name}`
  const expected = rowsWords(rows)
  if (found === undefined) {
    return [{ ...difference('table', object, expected, { found: 'no such table' }), change: 'missing' }]
  }
  const isSame = sumsText(found.hash) === sums && found.hash.rows === rows
  if (isSame && found.columns === columns) return []
  const differing = differingBuckets(buckets, bucketsText(found.hash))
  const where = differing.length === 0 ? {} : { buckets: differing }
  const change = changeOf(rows, found.hash.rows)
  if (change !== 'changed') {
    const told = difference('table', object, expected, { found: rowsWords(found.hash.rows) })
    const many = Math.abs(found.hash.rows - rows)
    return [
      { ...told, change, ...where, reason: `${told.reason} (${many} ${change}${bucketWords(differing)})` },
    ]
  }
  const what =
    found.columns === columns
      ? `some of them differ (${bucketWords(differing, '')})`
      : 'its columns have other names or types'
  return [
    {
      ...{ kind: 'table', object, change, ...where, expected, found: `${expected}, ${what}` },
      reason: `table ${object}: ${expected} as when it was backed up, but ${what}`,
    },
  ]
}

function changeOf(expected: number, found: number): 'fewer' | 'more' | 'changed' {
  return found === expected ? 'changed' : found < expected ? 'fewer' : 'more'
}

function rowsWords(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`
}

/** Empty for none: two changes may hide one another in the sixteen bits of a bucket. */
function bucketWords(buckets: readonly number[], before = ', '): string {
  if (buckets.length === 0) return before === '' ? 'it is not known where' : ''
  return `${before}in ${buckets.length} of ${BUCKETS} buckets: ${buckets.join(', ')}`
}

type Part = Pick<HashComparison, 'differences' | 'notCovered'>

const NOTHING: Part = { differences: [], notCovered: [] }

/** Of the tables that the record has no names for. */
function compareOthers({ tables, others }: ContentHashes, restored: RestoredHashes): Part {
  if (others === undefined) return NOTHING
  const named = new Set(tables.map(([schema, name]) => keyOf(schema, name)))
  const refusal = [...restored.refused].find(([key]) => !named.has(key))
  if (refusal !== undefined) return { ...NOTHING, notCovered: [{ table: OTHERS, reason: refusal[1] }] }
  const found = together(restored.tables.filter(({ schema, name }) => !named.has(keyOf(schema, name))))
  if (found.sums === others.sums && found.tables === others.tables && found.rows === others.rows)
    return NOTHING
  const expected = inTables(others)
  if (found.tables !== others.tables || found.rows !== others.rows) {
    const told = difference('table', OTHERS, expected, { found: inTables(found) })
    return { ...NOTHING, differences: [{ ...told, change: changeOf(others.rows, found.rows) }] }
  }
  return { ...NOTHING, differences: [someDiffer('table', OTHERS, expected)] }
}

function inTables({ tables, rows }: { tables: number; rows: number }): string {
  return `${rowsWords(rows)} in ${tables}`
}

function someDiffer(kind: 'table' | 'objects', object: string, expected: string): Difference {
  return {
    ...{ kind, object, change: 'changed', expected, found: `${expected}, some of them differ` },
    reason: `${object}: ${expected} as when they were backed up, but some of them differ`,
  }
}

function compareLargeObjects({ large_objects: recorded }: ContentHashes, restored: RestoredHashes): Part {
  const found = restored.largeObjects
  if (recorded === undefined || found === undefined) return NOTHING
  if (typeof found === 'string') return { ...NOTHING, notCovered: [{ table: LARGE_OBJECTS, reason: found }] }
  if (sumsText(found) === recorded.sums && found.rows === recorded.rows) return NOTHING
  const expected = piecesWords(recorded.rows)
  const change = changeOf(recorded.rows, found.rows)
  if (change === 'changed')
    return { ...NOTHING, differences: [someDiffer('objects', LARGE_OBJECTS, expected)] }
  const told = difference('objects', LARGE_OBJECTS, expected, { found: piecesWords(found.rows) })
  return { ...NOTHING, differences: [{ ...told, change }] }
}

function piecesWords(pieces: number): string {
  return `${pieces} ${pieces === 1 ? 'piece' : 'pieces'} of up to 1 MiB`
}
