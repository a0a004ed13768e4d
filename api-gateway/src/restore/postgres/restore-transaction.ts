import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import type { ClientProgram } from '#postgres/client-programs.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { refusedByPostgres } from '#restore/postgres/postgres-words.ts'
import { quoteName, quoteText } from '#restore/postgres/sql-text.ts'
import { PipedProgram } from '#restore/programs/piped-program.ts'

/** What a transaction of a restore is made of. */
export interface RestoreTransactionOptions {
  connection: PostgresConnection
  psql: ClientProgram
  /** `application_name` of the session, by which it is found again. */
  session: string
  /** Roles to make first. */
  newRoles: readonly string[]
  /** Ends psql at once. */
  signal: AbortSignal
}

/** A table of our own whose two equal rows let no COMMIT pass, and the rule that the error then names. */
const GUARD = 'telegram_backup_guard'
const GUARD_RULE = 'telegram_backup_was_not_verified_to_its_end'
/** How long a session that lost its client may take to roll back before we go on without it. */
const ROLLBACK_TRIES = 100
const ROLLBACK_PAUSE_MS = 100

/**
 * One transaction in psql, fed by us: nothing that comes through `write` can commit it, neither a COMMIT in the dump (the
 * guard) nor the end of the input, however that comes. Only `commit` does.
 */
export class RestoreTransaction {
  readonly #options: RestoreTransactionOptions
  readonly #psql: PipedProgram
  readonly #proof: string = randomBytes(16).toString('hex')
  #transactionId = ''

  private constructor(options: RestoreTransactionOptions) {
    const { psql, connection } = options
    this.#options = options
    this.#psql = new PipedProgram(
      psql.path,
      ['-X', '-q', '-A', '-t', '-w', '--no-readline', '-v', 'ON_ERROR_STOP=1', '-d', connection.uri],
      { environment: connection.environment },
    )
    const kill = (): void => void this.#psql.kill()
    options.signal.addEventListener('abort', kill, { once: true })
    void this.#psql.ended.then(() => options.signal.removeEventListener('abort', kill))
    if (options.signal.aborted) kill()
  }

  /** Begins it. Throws `POSTGRES` when the server refuses. */
  static async begin(options: RestoreTransactionOptions): Promise<RestoreTransaction> {
    const transaction = new RestoreTransaction(options)
    const mark = `begun:${transaction.#proof}:`
    await transaction.write(`${prelude(options)}SELECT '${mark}' || pg_current_xact_id() || '.';\n`)
    await transaction.#psql.said(mark)
    const id = new RegExp(`${mark}(\\d+)\\.`).exec(transaction.#psql.output)?.[1]
    if (id === undefined) throw await transaction.#failure()
    transaction.#transactionId = id
    return transaction
  }

  /** Fires when psql is gone, for whatever reason. */
  get ended(): AbortSignal {
    const controller = new AbortController()
    void this.#psql.ended.then(() => controller.abort())
    return controller.signal
  }

  /** Throws `POSTGRES` when psql has stopped. */
  async assertRunning(): Promise<void> {
    if (this.#psql.end !== undefined) throw await this.#failure()
  }

  /** More SQL; waits while psql has enough. Throws `POSTGRES` when it has stopped. */
  async write(sql: Buffer | string): Promise<void> {
    if (!(await this.#psql.write(sql))) throw await this.#failure()
  }

  /** Makes it all count, and proves that it does. Throws `POSTGRES`, or `UNKNOWN_OUTCOME` when nobody can tell. */
  async commit(): Promise<void> {
    const end =
      'RESET SESSION AUTHORIZATION; RESET ROLE;\n' +
      `DELETE FROM pg_temp.${GUARD};\nCOMMIT;\nSELECT 'committed:${this.#proof}';\n`
    await this.#psql.write(end)
    const { exitCode, words } = await this.#psql.finish()
    if (exitCode === 0 && this.#psql.output.includes(`committed:${this.#proof}`)) return
    if (exitCode === null) await endSessions(this.#options.connection, this.#options)
    if ((await this.#outcome()) !== 'committed')
      throw refusedByPostgres('PostgreSQL refused the restore', words)
  }

  /** Undoes it all: psql goes first, so that it can take no end of its input for the end of the data. */
  async rollBack(): Promise<void> {
    const { exitCode } = await this.#psql.kill()
    if (exitCode === null) await endSessions(this.#options.connection, this.#options)
  }

  async #failure(): Promise<BackupError> {
    const { words } = await this.#psql.finish()
    return refusedByPostgres(
      'PostgreSQL refused the restore',
      words === '' ? 'psql ended (exit code 0)' : words,
    )
  }

  /** What became of a transaction whose COMMIT was sent and not answered. */
  async #outcome(): Promise<string> {
    const { connection, psql } = this.#options
    const question = `select to_json(pg_xact_status(${quoteText(this.#transactionId)}::xid8))`
    let cause: unknown
    for (let tries = 0; tries < ROLLBACK_TRIES; tries++) {
      const status = await queryJson(connection, question, { psql: psql.path }).catch((error: unknown) => {
        cause = error
      })
      if (status === 'committed' || status === 'aborted') return status
      await delay(ROLLBACK_PAUSE_MS)
    }
    throw new BackupError(
      'Whether the restore took effect is unknown: the connection was lost at its very end',
      {
        code: 'UNKNOWN_OUTCOME',
        hint: `Ask the server: SELECT pg_xact_status('${this.#transactionId}'); "committed" means that it is all there.`,
        cause,
      },
    )
  }
}

/** Releases of psql from which on it knows `\restrict`, by major version; from 18 on all do. */
const RESTRICT_SINCE: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

function prelude({ psql, session, newRoles }: RestoreTransactionOptions): string {
  const minor = Number(psql.version.split('.')[1] ?? 0)
  const isRestricting = psql.major >= 18 || minor >= (RESTRICT_SINCE[psql.major] ?? Number.POSITIVE_INFINITY)
  return [
    // With it, psql obeys no command of its own any more; the key to undo it is thrown away.
    ...(isRestricting ? [`\\restrict ${randomBytes(24).toString('hex')}`] : []),
    `SET application_name = ${quoteText(session)};`,
    'SET standard_conforming_strings = on;',
    'SET client_min_messages = warning;',
    // Parts may be long in coming.
    'SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;',
    // Should anything get out of the transaction, it can write nothing.
    'SET default_transaction_read_only = on;',
    'BEGIN READ WRITE;',
    `CREATE TEMPORARY TABLE ${GUARD} (row int CONSTRAINT ${GUARD_RULE} UNIQUE DEFERRABLE INITIALLY DEFERRED);`,
    `INSERT INTO pg_temp.${GUARD} VALUES (1), (1);`,
    "SET client_encoding = 'UTF8';",
    ...newRoles.map(role => `CREATE ROLE ${quoteName(role)} NOLOGIN;`),
    // A dump says its own; where it does not, that of the database counts, as always in psql.
    'RESET client_encoding;',
    '',
  ].join('\n')
}

/**
 * Ends the server's side of a psql that was killed: it may be busy with a long statement, and holds its locks until it
 * notices. Resolves when the session is gone, or cannot be ended.
 */
async function endSessions(
  connection: PostgresConnection,
  of: { session: string; psql: ClientProgram },
): Promise<void> {
  const end = `select to_json(count(pg_terminate_backend(pid))) from pg_stat_activity
    where application_name = :'session' and pid <> pg_backend_pid() and usename = current_user`
  for (let tries = 0; tries < ROLLBACK_TRIES; tries++) {
    const sessions = await queryJson(connection, end, {
      psql: of.psql.path,
      variables: { session: of.session },
    }).catch((error: unknown) => describeError(error).code)
    if (typeof sessions !== 'number' || sessions === 0) return
    await delay(ROLLBACK_PAUSE_MS)
  }
}
