import { setTimeout as delay } from 'node:timers/promises'
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
import { SourceHashes } from '#postgres/dump/source-hashes.ts'
import { readTablesAlone } from '#postgres/dump/tables-alone.ts'
import { PsqlSession } from '#postgres/psql-session.ts'
import { refuseSharedSession } from '#postgres/shared-sessions.ts'
import { OUTLIVE_LIMITS } from '#postgres/sql-text.ts'
import { type DumpedRelations, readSelection } from '#postgres/table-patterns.ts'

/**
 * Time after the dump for databases whose last part is sent at once; after it, reading goes on only as long
 * as parts are on their way.
 */
const AFTER_THE_DUMP_MS = 10_000
/** Time for sequences once hashing was ended. */
const SEQUENCES_MS = 3_000

interface Of {
  connection: PostgresConnection
  psql: string
  signal: AbortSignal | undefined
}

/**
 * A session beside pg_dump. It reads what a dump does not hold, and exports a snapshot in which pg_dump reads
 * and the session hashes or counts rows: so the record is that of the very dump. It never fails a backup.
 */
export class SourceSession {
  /** For `pg_dump --snapshot`; undefined where the server exports none (old standbys, some poolers). */
  readonly snapshot: string | undefined
  readonly #session: PsqlSession
  readonly #of: Of
  readonly #sequences: readonly SequenceValue[] | undefined
  #isOfTheDump = true

  private constructor(
    session: PsqlSession,
    of: Of & { snapshot: string | undefined; sequences: readonly SequenceValue[] | undefined },
  ) {
    this.#session = session
    this.#of = of
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
      await session.ask(OUTLIVE_LIMITS)
      const sequences = snapshot === undefined ? undefined : await orNothing(readSequences(session), session)
      return new SourceSession(session, { connection, psql: psql.path, signal, snapshot, sequences })
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
   * Hashes or counts what is dumped, until the last part is in the chat. Undefined without a snapshot or for
   * patterns that only PostgreSQL can read; a table that was not read in time is recorded as such. Never
   * rejects.
   */
  async contents(
    options: PgDumpOptions,
    until: { dumpEnded: Promise<unknown>; partsSent: Promise<unknown> },
  ): Promise<DatabaseContents | undefined> {
    const selection = readSelection(options)
    if (this.snapshot === undefined || selection === undefined) return undefined
    const session = this.#session
    const { dumpEnded } = until
    const ending = new AbortController()
    let hashes: SourceHashes | undefined
    const isOver = Promise.all([
      dumpEnded.then(() => delay(AFTER_THE_DUMP_MS, undefined, { signal: ending.signal })),
      until.partsSent,
    ])
    void isOver.then(() => hashes?.stop() ?? session.close()).catch(() => {})
    try {
      const relations = (await readRelations(session)).filter(relation => selection.isDumped(relation))
      const withData = relations.filter(relation => selection.isDumpedWithData(relation))
      const hasEmptied = relations.some(one => one.kind === 'table' && !selection.isDumpedWithData(one))
      const isWhole = isOfWholeDatabase(options)
      await prepareCounting(session, 0)
      const objects = isWhole ? await orNothing(countObjects(session), session) : undefined
      hashes = await this.#beginHashes(options, selection)
      const rows: TableRows[] = []
      const tables = withData.filter(({ kind }) => kind === 'table')
      for await (const [table, hashed] of hashes?.rowsOf(tables) ??
        tables.map(one => [one, undefined] as const)) {
        const isCounted = hashed === undefined && options.proof !== 'off' && session.isOpen
        const count = isCounted ? await countRows(session, table).catch(() => null) : (hashed ?? null)
        rows.push([table.schema, table.name, count])
      }
      await hashes?.complete()
      await dumpEnded
      const after = isWhole ? await this.#sequencesNow(hashes) : undefined
      const dumped = new Set(withData.map(({ schema, name }) => JSON.stringify([schema, name])))
      const isDumped = ([schema, name]: SequenceValue): boolean => dumped.has(JSON.stringify([schema, name]))
      const sequences = this.#sequences && after && { before: this.#sequences, after: after.filter(isDumped) }
      const record = recordOf({ rows, sequences, objects, hasEmptied, hashes: hashes?.result() })
      return this.#isOfTheDump ? record : undefined
    } catch {
      return undefined
    } finally {
      ending.abort()
      await Promise.all([session.close(), hashes?.close()])
    }
  }

  async #beginHashes(options: PgDumpOptions, selection: DumpedRelations): Promise<SourceHashes | undefined> {
    const { proof: algorithm } = options
    if (algorithm === 'off' || algorithm === 'count') return undefined
    const { connection, psql, signal } = this.#of
    const of = { connection, psql, signal, algorithm, options, selection }
    return await orNothing(SourceHashes.begin(this.#session, of), this.#session)
  }

  /** Undefined if the time is over, and there is no second session. */
  async #sequencesNow(hashes: SourceHashes | undefined): Promise<SequenceValue[] | undefined> {
    const session = this.#session
    if (session.isOpen) {
      const read = await readSequences(session).catch(() => undefined)
      if (read !== undefined) return read
    }
    const timer = setTimeout(() => void hashes?.close(), SEQUENCES_MS)
    const read = await hashes?.sequences().catch(() => undefined)
    clearTimeout(timer)
    return read
  }

  /** In which pg_dump, too, writes times. Throws what the session throws. */
  async timeZone(): Promise<string> {
    return String(
      await this.#session.ask(`select pg_catalog.to_json(pg_catalog.current_setting('TimeZone'))`),
    )
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
