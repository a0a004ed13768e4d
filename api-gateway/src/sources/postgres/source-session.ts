import { describeError } from '#lib/backups/backup-error.ts'
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
import { PsqlSession } from '#postgres/psql-session.ts'
import { type DatabaseFacts, readDatabaseFacts } from '#sources/postgres/database-facts.ts'
import type { PgDumpOptions } from '#sources/postgres/pg-dump-arguments.ts'
import { readSelection } from '#sources/postgres/table-patterns.ts'

/** No table is counted for longer; one that takes so long is not counted. */
const ONE_TABLE_MS = 5 * 60_000
/** What is left to be counted when the dump has ended is counted for so long. */
const AFTER_THE_DUMP_MS = 3_000

/** A transaction that must outlive whatever the server thinks of idle ones, as pg_dump's own does. */
const BEGIN = `set idle_in_transaction_session_timeout = 0;
select pg_catalog.set_config('transaction_timeout', '0', false)
  where pg_catalog.current_setting('server_version_num')::int >= 170000;
begin transaction isolation level repeatable read read only;
select to_json(pg_catalog.pg_export_snapshot())`

/**
 * The session beside a dump. It tells what a dump does not hold, and has a snapshot of the database for pg_dump, in which it
 * counts the rows meanwhile: so the count is that of the very dump, whatever others write. Nothing of the counting can
 * fail a backup.
 */
export class SourceSession {
  /** For `pg_dump --snapshot`; undefined where the server gives none (a standby before 10, some poolers). */
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

  /** Begins it. Throws what `queryJson` throws where there is no server, or it lets nobody in. */
  static async begin(
    connection: PostgresConnection,
    signal: AbortSignal | undefined,
  ): Promise<SourceSession> {
    const psql = await newestClientProgram('psql', signal)
    const session = new PsqlSession(connection, { psql: psql.path, signal })
    try {
      const snapshot = await session.ask(BEGIN)
      // From here on an error undoes its own statement alone; before, that would keep a snapshot from being exported.
      const sequences = await orNothing(session.ask('\\set ON_ERROR_ROLLBACK on\nselect'), session).then(() =>
        orNothing(readSequences(session), session),
      )
      return new SourceSession(session, { snapshot: String(snapshot), sequences })
    } catch (error) {
      if (describeError(error).code !== 'POSTGRES' || !session.isOpen) {
        await session.close()
        throw error
      }
      await orNothing(session.ask('rollback'), session)
      return new SourceSession(session, { snapshot: undefined, sequences: undefined })
    }
  }

  /** What a dump does not hold. Throws what the session throws. */
  facts(): Promise<DatabaseFacts> {
    return readDatabaseFacts(this.#session)
  }

  /**
   * Counts what is dumped, until some seconds after the dump has ended. Undefined where there is nothing to count by; a table
   * that was not counted is recorded as that. Never rejects.
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
      for (const { schema, name, kind } of withData) {
        if (kind !== 'table') continue
        const isCounted = options.countRows && session.isOpen
        const count = isCounted ? await countRows(session, { schema, name }).catch(() => null) : null
        rows.push([schema, name, count])
      }
      await dumpEnded
      // That time may be over, too.
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

  /** Ends it, since pg_dump goes on without its snapshot: what was counted is of another moment. */
  async standBack(): Promise<void> {
    this.#isOfTheDump = false
    await this.close()
  }

  /** Ends it, and what it counts. Resolves when its psql is gone. */
  close(): Promise<void> {
    return this.#session.close()
  }
}

/** Without rows of some tables it is whole as well: their definitions are dumped. */
export function isOfWholeDatabase({
  schemas,
  excludeSchemas,
  tables,
  excludeTables,
}: PgDumpOptions): boolean {
  return [schemas, excludeSchemas, tables, excludeTables].every(list => list.length === 0)
}

/** Undefined for what the server refuses; the session goes on. */
async function orNothing<Answer>(asking: Promise<Answer>, session: PsqlSession): Promise<Answer | undefined> {
  try {
    return await asking
  } catch (error) {
    if (describeError(error).code === 'POSTGRES' && session.isOpen) return undefined
    throw error
  }
}
