import type { BackupDetails } from '#api/generated/types.gen.ts'

/** What a database held when it was dumped. */
export interface RecordedTables {
  tables: number
  rows: number
  /** `schema.table` of the largest, largest first. */
  names: readonly string[]
  /** Every table was counted. */
  isWhole: boolean
}

/** From the record of the backup; undefined if there is none, or one that this page cannot read. */
export function recordedTables({ source }: Pick<BackupDetails, 'source'>): RecordedTables | undefined {
  const contents = fieldOf(source, 'contents')
  const [tables, counted] = [fieldOf(contents, 'tables'), fieldOf(contents, 'counted')]
  const listed = fieldOf(contents, 'rows')
  if (typeof tables !== 'number' || !Array.isArray(listed)) return undefined
  const others = fieldOf(contents, 'others')
  const [otherTables, otherRows] = [fieldOf(others, 'tables'), fieldOf(others, 'rows')].map(Number)
  const named = listed.filter(isRow)
  const known = named.length + (otherTables || 0)
  return {
    tables,
    rows: named.reduce((sum, [, , rows]) => sum + (rows ?? 0), otherRows || 0),
    names: named.map(([schema, table]) => `${schema}.${table}`),
    isWhole: counted === tables && known === tables,
  }
}

function fieldOf(record: unknown, name: string): unknown {
  return typeof record === 'object' && record !== null
    ? (record as Readonly<Record<string, unknown>>)[name]
    : undefined
}

function isRow(row: unknown): row is [schema: string, table: string, rows: number | null] {
  if (!Array.isArray(row)) return false
  const [schema, table, rows] = row as unknown[]
  return (
    typeof schema === 'string' && typeof table === 'string' && (rows === null || typeof rows === 'number')
  )
}
