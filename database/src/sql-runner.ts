import { CompiledQuery, type Kysely } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'

/** Runs statements as text, for a library that brings its own; it works in its own schema. */
export interface SqlRunner {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

/**
 * On the catalog's connections, a text at a time. One that begins a transaction and fails in it leaves none open: the
 * connection goes back to others.
 */
export function sqlRunner(database: Database): SqlRunner {
  return {
    executeSql: (text, values) =>
      database.kysely.connection().execute(async connection => {
        try {
          return await sqlRunnerIn(connection).executeSql(text, values)
        } catch (error) {
          if (BEGINS.test(text)) await connection.executeQuery(CompiledQuery.raw('rollback')).catch(() => {})
          throw error
        }
      }),
  }
}

const BEGINS = /^\s*begin\b/i

/** In a transaction, if `kysely` is one. */
export function sqlRunnerIn(kysely: Kysely<CatalogSchema>): SqlRunner {
  return {
    executeSql: async (text, values = []) => {
      const { rows } = await kysely.executeQuery<Record<string, unknown>>(CompiledQuery.raw(text, values))
      return { rows }
    },
  }
}
