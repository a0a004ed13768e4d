import { CompiledQuery, type Kysely } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'

/** Runs statements as text, for a library with its own schema. */
export interface SqlRunner {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

/**
 * Runs on the catalog's connections. Each text has a transaction of its own, or begins and ends one itself.
 */
export function sqlRunner(database: Database): SqlRunner {
  return sqlRunnerIn(database.kysely)
}

/** As `sqlRunner`; in a transaction, if `kysely` is one. */
export function sqlRunnerIn(kysely: Kysely<CatalogSchema>): SqlRunner {
  return {
    executeSql: async (text, values = []) => {
      const query = CompiledQuery.raw(text.replace(CONCURRENTLY, '$1'), values)
      const { rows } = await kysely.executeQuery<Record<string, unknown>>(query)
      return { rows }
    },
  }
}

/**
 * pg-boss builds indexes concurrently when a newer version meets older tables. PostgreSQL refuses that in a
 * transaction, and outside of one our search_path would not hold. The queue is small: an index takes
 * milliseconds.
 */
const CONCURRENTLY = /^(\s*(?:create(?:\s+unique)?|drop)\s+index)\s+concurrently\b/i
