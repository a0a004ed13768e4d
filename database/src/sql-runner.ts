import { CompiledQuery, type Kysely } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'

/** Runs statements as text, for a library that brings its own; it works in its own schema. */
export interface SqlRunner {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

/** On the catalog's connections, a text at a time, each in a transaction of its own: also one that begins and ends it itself. */
export function sqlRunner(database: Database): SqlRunner {
  return sqlRunnerIn(database.kysely)
}

/** In a transaction, if `kysely` is one. */
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
 * pg-boss changes its indexes so when a newer one meets older tables. PostgreSQL refuses it in a transaction, and without one there
 * would be no search_path of ours. A queue of finished and waiting jobs is small: building an index in it takes milliseconds.
 */
const CONCURRENTLY = /^(\s*(?:create(?:\s+unique)?|drop)\s+index)\s+concurrently\b/i
