/** What of a database is dumped, and how. Patterns are those of `psql`'s `\d`, as pg_dump takes them. */
export interface PgDumpOptions {
  /** `plain` is SQL that psql reads, `custom` the format of pg_restore. */
  format: 'plain' | 'custom'
  schemas: readonly string[]
  excludeSchemas: readonly string[]
  tables: readonly string[]
  excludeTables: readonly string[]
  /** Tables whose definition is dumped, but no row. */
  excludeTableData: readonly string[]
  /** How long to wait for a table that somebody has locked, at most; 0 is for ever. */
  lockTimeoutMs: number
  /** Whether the rows of each table are counted as well, for a drill; that reads each table once more. */
  countRows: boolean
}

/**
 * pg_dump's arguments but for the connection. Never compressed, since that is the archive's work and done better there;
 * never with `--create` or `--clean`, since where a dump goes is decided when it is restored.
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
    // Else a pattern that matches nothing, next to one that does, would be a table that is silently missing.
    ...(schemas.length + tables.length > 0 ? ['--strict-names'] : []),
  ]
}

function each(name: string, patterns: readonly string[]): string[] {
  return patterns.map(pattern => `--${name}=${pattern}`)
}
