import type { ProofMode } from '#proof-mode.ts'

/** What is dumped of a database, and how. Patterns are those of `psql`'s `\d`. */
export interface PgDumpOptions {
  /** `plain`: SQL for psql; `custom`: the format of pg_restore. */
  format: 'plain' | 'custom'
  schemas: readonly string[]
  excludeSchemas: readonly string[]
  tables: readonly string[]
  excludeTables: readonly string[]
  excludeTableData: readonly string[]
  /** Longest wait for a locked table; 0 means for ever. */
  lockTimeoutMs: number
  /** What is recorded for drills; all but `off` reads each table once more. */
  proof: ProofMode
}

/**
 * pg_dump's arguments without the connection. The archive compresses better; and a restore, not the dump,
 * decides where it goes: so neither compression nor `--create` or `--clean`.
 */
export function pgDumpArguments(options: PgDumpOptions): string[] {
  const { schemas, tables } = options
  return [
    '--no-password',
    ...(options.format === 'custom' ? ['--format=custom', '--compress=0'] : ['--format=plain']),
    ...(options.lockTimeoutMs > 0 ? [`--lock-wait-timeout=${options.lockTimeoutMs}`] : []),
    ...each('schema', schemas),
    ...each('exclude-schema', options.excludeSchemas),
    ...each('table', tables),
    ...each('exclude-table', options.excludeTables),
    ...each('exclude-table-data', options.excludeTableData),
    // Else a pattern that matches nothing, next to one that does, would leave out a table silently.
    ...(schemas.length + tables.length > 0 ? ['--strict-names'] : []),
  ]
}

function each(name: string, patterns: readonly string[]): string[] {
  return patterns.map(pattern => `--${name}=${pattern}`)
}
