import {
  addHashes,
  bucketsText,
  type ContentHash,
  NO_ROWS,
  sumsText,
  type TableHash,
} from '#postgres/contents/content-hash.ts'
import type { LeftOut, LeftOutReason } from '#postgres/left-out.ts'

/** fast: PostgreSQL's own hash, 128 bits against accidents · sha256: for others who compute it again. */
export type HashAlgorithm = 'fast' | 'sha256'

/** `contents.hashes` in the facts of a backup of a database: see docs/format.md. No data. */
export type ContentHashes = {
  version: 1
  algorithm: HashAlgorithm
  /** The hash of a fixed text, 32 digits: hashes of a server that gives another cannot be compared. */
  probe: string
  /** The encoding of the database; hashes of another encoding cannot be compared. */
  encoding: string
  server_version: string
  /** binary: the columns of floating-point numbers were hashed as float8send gives them (before 12). */
  floats: FloatForm
  /** That the rows were hashed with. */
  settings: Record<string, string>
  /** Time that hashing took. */
  seconds: number
  /** The largest tables by their rows, at most {@link MOST_HASHED}; partitions added up as their root. */
  tables: TableHash[]
  /** All other tables together; missing if any table that is not named was not hashed. */
  others?: { tables: number; rows: number; sums: string }
  /** Of all large objects together, if they were dumped and there are any; `rows` are pieces of 1 MiB. */
  large_objects?: { rows: number; sums: string }
  /** What was dumped and not hashed, and why; at most {@link MOST_HASHED}. */
  left_out: LeftOut[]
  /** Number of further ones, and of those hashed for which there is no room. */
  left_out_more?: number
  /** Tables with columns that no dump holds, since the server computes them; at most {@link MOST_HASHED}. */
  generated?: Array<[schema: string, table: string]>
}

export type FloatForm = 'text' | 'binary'

/** Every backup's record holds them: a database of 100,000 tables must not make it megabytes. */
export const MOST_HASHED = 1_000

/** A table that was hashed: a root stands for its partitions. */
export interface HashedTable {
  schema: string
  name: string
  hash: ContentHash
  /** Eight digits that differ, most likely, where names or types of columns do. */
  columns: string
  hasGenerated: boolean
}

export interface Hashing {
  tables: readonly HashedTable[]
  leftOut: readonly LeftOut[]
  largeObjects: ContentHash | undefined
  seconds: number
}

export type HashedBy = Pick<
  ContentHashes,
  'algorithm' | 'probe' | 'encoding' | 'server_version' | 'floats' | 'settings'
>

export function hashesOf(by: HashedBy, hashing: Hashing): ContentHashes {
  const { leftOut, largeObjects, seconds } = hashing
  const largestFirst = [...hashing.tables].sort((a, b) => b.hash.rows - a.hash.rows)
  const rest = largestFirst.slice(MOST_HASHED)
  const named = largestFirst.slice(0, MOST_HASHED)
  const generated = largestFirst.filter(table => table.hasGenerated).slice(0, MOST_HASHED)
  const areTogether = rest.length > 0 && !leftOut.some(isTable)
  const unnamed = Math.max(leftOut.length - MOST_HASHED, 0) + (areTogether ? 0 : rest.length)
  return {
    version: 1,
    ...by,
    seconds,
    tables: named.map(({ schema, name, hash, columns }) => [
      ...([schema, name, hash.rows] as const),
      ...([sumsText(hash), bucketsText(hash), columns] as const),
    ]),
    ...(areTogether && { others: together(rest) }),
    ...(largeObjects && { large_objects: { rows: largeObjects.rows, sums: sumsText(largeObjects) } }),
    left_out: leftOut.slice(0, MOST_HASHED),
    ...(unnamed > 0 && { left_out_more: unnamed }),
    ...(generated.length > 0 && { generated: generated.map(({ schema, name }) => [schema, name]) }),
  }
}

const NO_TABLES: ReadonlySet<LeftOutReason> = new Set(['foreign', 'view', 'extension'])

/** Restored, it would be another table without a name in the record. */
function isTable([schema, , reason]: LeftOut): boolean {
  return schema !== null && !NO_TABLES.has(reason)
}

/** The hash of several tables as one. */
export function together(tables: readonly Pick<HashedTable, 'hash'>[]): {
  tables: number
  rows: number
  sums: string
} {
  const hash = tables.reduce((sum, table) => addHashes(sum, table.hash), NO_ROWS)
  return { tables: tables.length, rows: hash.rows, sums: sumsText(hash) }
}
