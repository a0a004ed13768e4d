import type { ContentHashes } from '#postgres/contents/hash-record.ts'
import type { SequenceValue, TableRows } from '#postgres/database-contents.ts'
import type { DumpLines, NoDumpLines } from '#postgres/lines/lines-record.ts'
import {
  digits,
  fields,
  isNumber,
  isText,
  listOf,
  optional,
  orNull,
  type Shape,
  tuple,
  valuesOf,
} from '#postgres/record-shape.ts'

/** What a database held when it was dumped: `contents` of its facts, see docs/format.md. No data. */
export type DatabaseContents = {
  /** Number of tables dumped with rows, and of those that were counted. */
  tables: number
  counted: number
  /** The largest of them, at most {@link MOST_NAMED}. */
  rows: TableRows[]
  /** All other tables together; missing if any was not counted, or was dumped without its rows. */
  others?: { tables: number; rows: number }
  /** Last values before and after the dump, of a whole database; at most {@link MOST_NAMED}. */
  sequences?: SequenceRange[]
  /** Number of objects of each kind; only of a whole database. */
  objects?: Record<string, number>
  /** Of what the rows hold. */
  hashes?: ContentHashes
  /** Of the rows of the dump itself, where no session could read them at the source. */
  lines?: DumpLines | NoDumpLines
}

type SequenceRange = [schema: string, sequence: string, from: string | null, to: string | null]

/** Every list of backups reads the record: a database of 100,000 tables must not make it megabytes. */
const MOST_NAMED = 1_000

export function recordOf(of: {
  rows: readonly TableRows[]
  sequences?: { before: readonly SequenceValue[]; after: readonly SequenceValue[] } | undefined
  objects?: Record<string, number> | undefined
  /** Some tables were dumped without rows; a restored database does not show which. */
  hasEmptied?: boolean
  hashes?: ContentHashes | undefined
}): DatabaseContents {
  const { rows, sequences, objects, hasEmptied = false, hashes } = of
  const counted = rows.filter(([, , count]) => count !== null)
  const largestFirst = [...rows].sort(([, , a], [, , b]) => (b ?? -1) - (a ?? -1))
  const rest = largestFirst.slice(MOST_NAMED)
  const isRestKnown = !hasEmptied && rest.length > 0 && rest.every(([, , count]) => count !== null)
  return {
    tables: rows.length,
    counted: counted.length,
    rows: largestFirst.slice(0, MOST_NAMED),
    ...(isRestKnown && {
      others: { tables: rest.length, rows: rest.reduce((sum, [, , count]) => sum + (count ?? 0), 0) },
    }),
    ...(sequences && { sequences: bothTimes(sequences).slice(0, MOST_NAMED) }),
    ...(objects && { objects }),
    ...(hashes && { hashes }),
  }
}

function bothTimes(of: {
  before: readonly SequenceValue[]
  after: readonly SequenceValue[]
}): SequenceRange[] {
  const before = new Map(of.before.map(([schema, name, value]) => [JSON.stringify([schema, name]), value]))
  return of.after.flatMap(([schema, name, to]): SequenceRange[] => {
    const from = before.get(JSON.stringify([schema, name]))
    // A new sequence has no earlier value.
    return from === undefined ? [] : [[schema, name, from, to]]
  })
}

const CONTENTS: Shape = fields({
  ...{ tables: isNumber, counted: isNumber },
  rows: listOf(tuple(isText, isText, orNull(isNumber))),
  others: optional(fields({ tables: isNumber, rows: isNumber })),
  sequences: optional(listOf(tuple(isText, isText, orNull(isInteger), orNull(isInteger)))),
  objects: optional(valuesOf(isNumber)),
})

/** Of a later version, only what names what it has hashed. */
const HASHES: Shape = fields({ version: isNumber, tables: listOf(isNamed) })
const HASHES_OF_1: Shape = fields({
  ...{ algorithm: isText, probe: isText, encoding: isText, server_version: isText, floats: isText },
  tables: listOf(tuple(isText, isText, isNumber, digits(32), digits(64), digits(8))),
  others: optional(fields({ tables: isNumber, rows: isNumber, sums: digits(32) })),
  large_objects: optional(fields({ rows: isNumber, sums: digits(32) })),
  left_out: listOf(tuple(orNull(isText), orNull(isText), isText)),
  left_out_more: optional(isNumber),
  generated: optional(listOf(tuple(isText, isText))),
})

function isInteger(value: unknown): boolean {
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value)
}

function isNamed(value: unknown): boolean {
  return Array.isArray(value) && tuple(isText, isText)(value.slice(0, 2))
}

/**
 * The record in the facts of a backup; undefined for none, or an unknown form. Without hashes of such a form.
 */
export function contentsIn(facts: Readonly<Record<string, unknown>> | null): DatabaseContents | undefined {
  const value = facts?.['contents']
  if (!CONTENTS(value)) return undefined
  const { hashes, ...others } = value as DatabaseContents
  const isKnown = HASHES(hashes) && (hashes?.version !== 1 || HASHES_OF_1(hashes))
  return hashes !== undefined && isKnown ? { ...others, hashes } : others
}
