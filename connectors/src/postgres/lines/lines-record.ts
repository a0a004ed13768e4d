import type { TimeZones } from '#dump-lines.ts'
import { type LineSum, sumText } from '#postgres/lines/line-sums.ts'
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
} from '#postgres/record-shape.ts'

/**
 * `contents.lines` in the facts of a backup: hashes of the rows that a plain dump holds, taken on their way.
 * See docs/format.md. No data.
 */
export type DumpLines = TimeZones & {
  version: 1
  algorithm: 'murmur3'
  /** The encoding of the dump. */
  encoding: string
  /** Of the server that was dumped; null if the dump does not say. */
  server_major: number | null
  /** That the statements name: a drill makes them. */
  roles: string[]
  /** The largest by their rows, at most {@link MOST_NAMED}. */
  tables: TableLines[]
  /** All other tables together; missing if any of them was left out. */
  others?: { tables: number; rows: number; sum: string }
  /** Tables whose rows were not hashed, and why; at most {@link MOST_NAMED}. */
  left_out: Array<[schema: string | null, table: string, reason: LinesReason]>
}

/** The same for a dump without hashes of its rows: why there are none. */
export type NoDumpLines = { version: 1; reason: LinesReason; roles: string[] }

/** The schema is null in dumps before 10.3; 32 digits of the sum, 8 of the columns, hexadecimal. */
export type TableLines = [schema: string | null, table: string, rows: number, sum: string, columns: string]

/** Every backup's record holds them: a database of 100,000 tables must not make it megabytes. */
const MOST_NAMED = 1_000

/** In words for people that follow "not covered: ". */
export const LINES_REASONS = {
  inserts: 'its rows are INSERT statements',
  changes: 'a statement of the dump may change rows that it has loaded',
  triggers: 'the dump makes triggers before it loads rows, and they may change them',
  columns: 'the dump loads it twice, with other columns',
  'line ends': 'its lines do not end as pg_dump writes them',
  encoding: 'the dump is in an encoding whose names cannot be compared',
  unreadable: 'the dump holds something that pg_dump never writes',
} as const

export type LinesReason = keyof typeof LINES_REASONS

/** A table whose rows were seen. */
export interface SeenTable {
  schema: string | null
  name: string
  columns: string
  sum: LineSum
  leftOut: LinesReason | undefined
}

export function linesRecordOf(
  seen: readonly SeenTable[],
  of: Pick<DumpLines, 'encoding' | 'server_major' | keyof TimeZones | 'roles'>,
): DumpLines {
  const hashed = seen.filter(({ leftOut }) => leftOut === undefined)
  const largestFirst = hashed.toSorted((a, b) => b.sum.lines - a.sum.lines)
  const rest = largestFirst.slice(MOST_NAMED)
  const sum = rest.reduce((all, one) => BigInt.asUintN(128, all + one.sum.sum), 0n)
  const rows = rest.reduce((all, one) => all + one.sum.lines, 0)
  return {
    version: 1,
    algorithm: 'murmur3',
    ...of,
    tables: largestFirst
      .slice(0, MOST_NAMED)
      .map(one => [one.schema, one.name, one.sum.lines, sumText(one.sum), one.columns]),
    ...(rest.length > 0 &&
      hashed.length === seen.length && {
        others: { tables: rest.length, rows, sum: sumText({ lines: rows, sum }) },
      }),
    left_out: seen
      .flatMap(({ schema, name, leftOut }): DumpLines['left_out'] =>
        leftOut === undefined ? [] : [[schema, name, leftOut]],
      )
      .slice(0, MOST_NAMED),
  }
}

const LINES: Shape = fields({
  ...{ encoding: isText, server_major: orNull(isNumber), roles: listOf(isText) },
  ...{ time_zones: listOf(isText), is_time_zone_known: value => typeof value === 'boolean' },
  tables: listOf(tuple(orNull(isText), isText, isNumber, digits(32), digits(8))),
  others: optional(fields({ tables: isNumber, rows: isNumber, sum: digits(32) })),
  left_out: listOf(tuple(orNull(isText), isText, isText)),
})
const NO_LINES: Shape = fields({ reason: isText, roles: listOf(isText) })

/** The record in the facts of a backup; undefined for none, or an unknown form. */
export function linesIn(
  facts: Readonly<Record<string, unknown>> | null,
): DumpLines | NoDumpLines | undefined {
  const { lines } = (facts?.['contents'] ?? {}) as { lines?: Partial<DumpLines & NoDumpLines> | null }
  if (lines?.version !== 1) return undefined
  if (NO_LINES(lines)) return lines as NoDumpLines
  return lines.algorithm === 'murmur3' && LINES(lines) ? (lines as DumpLines) : undefined
}
