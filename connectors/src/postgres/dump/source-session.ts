import { describeError } from '@telegram-backup/errors'
import { newestClientProgram } from '#postgres/client-programs.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { type DatabaseContents, recordOf } from '#postgres/contents-record.ts'
import {
  countObjects,
  countRows,
  prepareCounting,
  readRelations,
  readSequences,
  type SequenceValue,
  type TableRows,
} from '#postgres/database-contents.ts'
import { type DatabaseFacts, readDatabaseFacts } from '#postgres/dump/database-facts.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import { readTablesAlone } from '#postgres/dump/tables-alone.ts'
import { PsqlSession } from '#postgres/psql-session.ts'
import { refuseSharedSession } from '#postgres/shared-sessions.ts'
import { readSelection } from '#postgres/table-patterns.ts'

const ONE_TABLE_MS = 5 * 60_000
/** Time to finish counting after the dump. */
const AFTER_THE_DUMP_MS = 3_000

/** Like pg_dump's, the transaction must outlive the server's limits for idle ones. */
const OUTLIVE = `set local idle_in_transaction_session_timeout = 0;
select pg_catalog.to_json(pg_catalog.set_config(name, '0', true)) from pg_catalog.pg_settings where name = 'transaction_timeout'`

/**
 * A session beside pg_dump. It reads what a dump does not hold, and exports a snapshot in which pg_dump reads
 * and the session counts rows: so the count is that of the very dump. Counting never fails a backup.
 */
export class SourceSession {
  /** For `pg_dump --snapshot`; undefined where the server exports none (old standbys, some poolers). */
  readonly snapshot: string | undefined
  readonly #session: PsqlSession
  readonly #sequences: readonly SequenceValue[] | undefined
  #isOfTheDump = true

  private constructor(
    session: PsqlSession,
    of: { snapshot: string | undefined; sequences: readonly SequenceValue[] | undefined },
  ) {
    this.#session = session
    this.snapshot = of.snapshot
    this.#sequences = of.sequences
  }

  /** Throws what `queryJson` throws, and `CONFIGURATION` behind a pooler in transaction mode. */
  static async begin(
    connection: PostgresConnection,
    signal: AbortSignal | undefined,
  ): Promise<SourceSession> {
    const psql = await newestClientProgram('psql', signal)
    const session = new PsqlSession(connection, { psql: psql.path, signal })
    try {
      await refuseSharedSession(session, connection, { psql: psql.path, signal })
      const snapshot = await orNothing(session.beginShared(), session)
      if (snapshot === undefined) await session.begin('read only')
      await session.ask(OUTLIVE)
      const sequences = snapshot === undefined ? undefined : await orNothing(readSequences(session), session)
      return new SourceSession(session, { snapshot, sequences })
    } catch (error) {
      await session.close()
      throw error
    }
  }

  /** What a dump does not hold, and what selected tables need besides. Throws what the session throws. */
  async facts(options: PgDumpOptions): Promise<DatabaseFacts> {
    const known = await readDatabaseFacts(this.#session)
    if (options.tables.length === 0) return known
    const { schemas, warnings } = await readTablesAlone(this.#session, options)
    return {
      ...known,
      facts: { ...known.facts, schemas_of_tables: schemas },
      warnings: [...known.warnings, ...warnings],
    }
  }

  /**
   * Counts what is dumped, until some seconds after the dump ended. Undefined without a snapshot or for
   * patterns that only PostgreSQL can read; a table that was not counted is recorded as such. Never rejects.
   */
  async contents(options: PgDumpOptions, dumpEnded: Promise<unknown>): Promise<DatabaseContents | undefined> {
    const selection = readSelection(options)
    if (this.snapshot === undefined || selection === undefined) return undefined
    const session = this.#session
    let timer: NodeJS.Timeout | undefined
    void dumpEnded.then(() => {
      timer = setTimeout(() => void session.close(), AFTER_THE_DUMP_MS)
    })
    try {
      const relations = (await readRelations(session)).filter(relation => selection.isDumped(relation))
      const withData = relations.filter(relation => selection.isDumpedWithData(relation))
      const hasEmptied = relations.some(one => one.kind === 'table' && !selection.isDumpedWithData(one))
      const isWhole = isOfWholeDatabase(options)
      await prepareCounting(session, ONE_TABLE_MS)
      const objects = isWhole ? await orNothing(countObjects(session), session) : undefined
      const rows: TableRows[] = []
      for (const table of withData) {
        if (table.kind !== 'table') continue
        const isCounted = options.countRows && session.isOpen
        const count = isCounted ? await countRows(session, table).catch(() => null) : null
        rows.push([table.schema, table.name, count])
      }
      await dumpEnded
      // The time may be over.
      const after = isWhole ? await readSequences(session).catch(() => undefined) : undefined
      const dumped = new Set(withData.map(({ schema, name }) => JSON.stringify([schema, name])))
      const isDumped = ([schema, name]: SequenceValue): boolean => dumped.has(JSON.stringify([schema, name]))
      const sequences = this.#sequences && after && { before: this.#sequences, after: after.filter(isDumped) }
      return this.#isOfTheDump ? recordOf({ rows, sequences, objects, hasEmptied }) : undefined
    } catch {
      return undefined
    } finally {
      clearTimeout(timer)
      await session.close()
    }
  }

  /** Ends the session, since pg_dump runs without its snapshot: its counts are of another moment. */
  async standBack(): Promise<void> {
    this.#isOfTheDump = false
    await this.close()
  }

  /** Ends the session. Resolves when its psql is gone. */
  close(): Promise<void> {
    return this.#session.close()
  }
}

/** Tables without rows are allowed: their definitions are dumped. */
export function isOfWholeDatabase(options: PgDumpOptions): boolean {
  const { schemas, excludeSchemas, tables, excludeTables } = options
  return [schemas, excludeSchemas, tables, excludeTables].every(list => list.length === 0)
}

/** Undefined when the server refuses; the session goes on. */
async function orNothing<Answer>(asking: Promise<Answer>, session: PsqlSession): Promise<Answer | undefined> {
  try {
    return await asking
  } catch (error) {
    if (describeError(error).code === 'POSTGRES' && session.isOpen) return undefined
    throw error
  }
}
