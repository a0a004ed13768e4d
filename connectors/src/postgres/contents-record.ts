import type { SequenceValue, TableRows } from '#postgres/database-contents.ts'

/**
 * What a database held when it was dumped, as the facts of a backup keep it: `contents` in the source of a manifest, see
 * docs/format.md. Nothing of it is the data itself.
 */
export type DatabaseContents = {
  /** How many tables were dumped with their rows, and of how many the rows were counted. */
  tables: number
  counted: number
  /** The largest of them, at most 1,000. */
  rows: TableRows[]
  /** The others together, where all of them were counted and no table was dumped without its rows. */
  others?: { tables: number; rows: number }
  /**
   * Last values as text, before and after the dump: a sequence stands in no snapshot. At most {@link MOST_NAMED}; none where
   * only a part of the database was dumped.
   */
  sequences?: Array<[schema: string, sequence: string, from: string | null, to: string | null]>
  /** How many there are of each kind; of a whole database only. */
  objects?: Record<string, number>
}

/** A record is read with every list of backups: a database of 100,000 tables must not make it megabytes. */
const MOST_NAMED = 1_000

/** The record of these tables; the sequences where they were read both times. */
export function recordOf(of: {
  rows: readonly TableRows[]
  sequences?: { before: readonly SequenceValue[]; after: readonly SequenceValue[] } | undefined
  objects?: Record<string, number> | undefined
  /** Tables were dumped besides, without their rows: whoever counts the restored ones cannot tell them from the others. */
  hasEmptied?: boolean
}): DatabaseContents {
  const { rows, sequences, objects, hasEmptied = false } = of
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
  }
}

function bothTimes({
  before,
  after,
}: {
  before: readonly SequenceValue[]
  after: readonly SequenceValue[]
}): NonNullable<DatabaseContents['sequences']> {
  const was = new Map(before.map(([schema, name, value]) => [JSON.stringify([schema, name]), value]))
  return after.flatMap(([schema, name, value]) => {
    const key = JSON.stringify([schema, name])
    // One that was made meanwhile is in no snapshot of before.
    return was.has(key) ? [[schema, name, was.get(key) ?? null, value] as const].map(one => [...one]) : []
  }) as NonNullable<DatabaseContents['sequences']>
}

/** The record in the facts of a backup; undefined where there is none, or none that this program reads. */
export function contentsIn(facts: Readonly<Record<string, unknown>> | null): DatabaseContents | undefined {
  const value = facts?.['contents']
  if (typeof value !== 'object' || value === null) return undefined
  const { tables, counted, rows } = value as Partial<DatabaseContents>
  const isRecord = typeof tables === 'number' && typeof counted === 'number' && Array.isArray(rows)
  return isRecord ? (value as DatabaseContents) : undefined
}
