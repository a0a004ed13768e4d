import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import { type ClientProgram, knowsRestrict } from '#postgres/client-programs.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { refusedByPostgres } from '#postgres/restore/postgres-words.ts'
import type { RestoringRole } from '#postgres/restore/restoring-role.ts'
import { executed } from '#postgres/restore/sql/executed.ts'
import { EMPTY_SEARCH_PATH, quoteName, quoteText } from '#postgres/sql-text.ts'
import { PipedProgram } from '#programs/piped-program.ts'

/** What a transaction of a restore is made of. */
export interface RestoreTransactionOptions {
  connection: PostgresConnection
  psql: ClientProgram
  /** `application_name` of the session, by which it is found again. */
  session: string
  /** Roles to make first. */
  newRoles: readonly string[]
  /** Who restores: one that may change no other role than itself is to be as before. */
  role: Pick<RestoringRole, 'isSuperuser' | 'attributes'>
  /** Ends psql at once. */
  signal: AbortSignal
}

/** How long a session that lost its client may take to roll back before we go on without it. */
const ROLLBACK_TRIES = 100
const ROLLBACK_PAUSE_MS = 100

/** psql’s exit code when the connection was lost; after an error of the server it is another. */
const CONNECTION_LOST = 2

/**
 * One transaction in psql, fed by us: the end of the input rolls it back, however that comes. What is written is to be
 * wrapped (`executed.ts`), so that nothing in it can end the transaction. Only `commit` does, and it says so only when the
 * server says that this very transaction was committed.
 */
export class RestoreTransaction {
  readonly #options: RestoreTransactionOptions
  readonly #psql: PipedProgram
  /** Of the whole cluster, never used again (`xid8`); empty before it is known. */
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
    await transaction.write(prelude(options))
    const id = await transaction.#ask(OWN_TRANSACTION)
    // What the dump sets counts, or what the database says of itself, as always in psql.
    await transaction.write('RESET search_path;\n')
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

  /**
   * Makes it all count, and proves that it does. Throws `POSTGRES`, `UNRESTORABLE` when it is another transaction by now,
   * or `UNKNOWN_OUTCOME` when nobody can tell.
   */
  async commit(): Promise<void> {
    // What of the dump waits for the COMMIT (deferred triggers, cursors that are to outlive it) is done before anything is looked at.
    await this.write('CLOSE ALL; SET CONSTRAINTS ALL IMMEDIATE;\n')
    // What it has set is neither to speak into this, nor to stay in a connection that a pooler gives to others.
    await this.write(`RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;\n${SETTINGS}`)
    if ((await this.#ask(OWN_TRANSACTION)) !== this.#transactionId) {
      throw new BackupError('The dump got out of the transaction of its restore', { code: 'UNRESTORABLE' })
    }
    const { isSuperuser, attributes } = this.#options.role
    const mayChangeRoles = isSuperuser || attributes.includes('CREATEROLE')
    if (!mayChangeRoles && (await this.#ask(CHANGES_OF_ROLES)) !== '0') {
      throw new BackupError('The dump changes the password or the members of the role that restores it', {
        code: 'UNRESTORABLE',
        hint: hint`pg_dump writes no such thing. Find out who wrote it: get the file with "${run('fetch')}" and look at it.`,
      })
    }
    const mark = randomBytes(16).toString('hex')
    const status = `pg_catalog.pg_xact_status('${this.#transactionId}'::pg_catalog.xid8)`
    await this.#psql.write(
      `COMMIT;\nBEGIN READ ONLY;\n${EMPTY_SEARCH_PATH};\n${telling(status, mark)}\nCOMMIT;\n`,
    )
    const { exitCode, words } = await this.#psql.finish()
    if (exitCode === 0 && this.#psql.output.includes(`committed ${mark}`)) return
    if (exitCode === null) await this.#endSession()
    // psql may have had so much else to tell at its end, what a dump has it LISTEN to, that the proof is not in what was kept of it.
    const isUntold = exitCode === null || exitCode === CONNECTION_LOST || exitCode === 0
    if (isUntold && (await this.#outcome()) === 'committed') return
    throw refusedByPostgres('PostgreSQL refused the restore', words)
  }

  /** Undoes it all: psql goes first, so that it can take no end of its input for the end of the data. */
  async rollBack(): Promise<void> {
    const { exitCode } = await this.#psql.kill()
    if (exitCode === null) await this.#endSession()
  }

  /** The value of an expression, a number. Throws `POSTGRES` when psql has stopped. */
  async #ask(expression: string): Promise<string> {
    const mark = randomBytes(16).toString('hex')
    await this.write(`${telling(expression, mark)}\n`)
    await this.#psql.said(mark)
    // Digits alone, whatever the server says: it goes into psql's input again.
    const [, value] = new RegExp(`(\\d+) ${mark}`).exec(this.#psql.output) ?? []
    if (value === undefined) throw await this.#failure()
    return value
  }

  /**
   * Ends the server's side of a psql that was killed: it may be busy with a long statement, and holds its locks until it
   * notices. Resolves when the session is gone, or cannot be ended.
   */
  async #endSession(): Promise<void> {
    if (this.#transactionId === '') return
    const { connection, psql } = this.#options
    // By what runs in it, since a dump may have given it another name.
    const end = `select pg_catalog.to_json(pg_catalog.count(pg_catalog.pg_terminate_backend(pid)))
      from pg_catalog.pg_stat_activity where backend_xid = (:'id'::pg_catalog.xid8)::pg_catalog.xid`
    for (let tries = 0; tries < ROLLBACK_TRIES; tries++) {
      const sessions = await queryJson(connection, end, {
        psql: psql.path,
        variables: { id: this.#transactionId },
      }).catch((error: unknown) => describeError(error).code)
      if (typeof sessions !== 'number' || sessions === 0) return
      await delay(ROLLBACK_PAUSE_MS)
    }
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
    const question = `select pg_catalog.to_json(pg_catalog.pg_xact_status('${this.#transactionId}'::pg_catalog.xid8))`
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

/**
 * How many of the catalogs of roles this transaction has written to. Who may not read them sees its own locks on them, which last until
 * its end.
 */
const CHANGES_OF_ROLES = `(SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks
  WHERE pid = pg_catalog.pg_backend_pid() AND mode = 'RowExclusiveLock'
  AND relation IN ('pg_catalog.pg_authid'::pg_catalog.regclass, 'pg_catalog.pg_auth_members'::pg_catalog.regclass))`

const OWN_TRANSACTION = 'pg_catalog.pg_current_xact_id()'

/** A SELECT that gives a value and then the mark, by which the answer is known to be ours and whole. */
function telling(expression: string, mark: string): string {
  return `SELECT pg_catalog.concat(${expression}, ' ${mark}');`
}

/** For one transaction: parts may be long in coming, and a commit may take long. Not every server has each. */
const SETTINGS = `${EMPTY_SEARCH_PATH};
SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings
  WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');
`

/** All of it is undone at the end of the transaction: a pooler may give the connection to others then. */
function prelude({ psql, session, newRoles }: RestoreTransactionOptions): string {
  return [
    // With it, psql obeys no command of its own any more; the key to undo it is thrown away.
    ...(knowsRestrict(psql) ? [`\\restrict ${randomBytes(24).toString('hex')}`] : []),
    'BEGIN READ WRITE;',
    SETTINGS,
    'SET LOCAL standard_conforming_strings = on;',
    'SET LOCAL client_min_messages = warning;',
    `SET LOCAL application_name = ${quoteText(session)};`,
    "SET LOCAL client_encoding = 'UTF8';",
    ...newRoles.map(role => executed(`CREATE ROLE ${quoteName(role)} NOLOGIN`)),
    // A dump says its own; where it does not, that of the database counts, as always in psql.
    'RESET client_encoding;',
    // Where PL/pgSQL is missing, that is known before the first byte.
    executed(''),
  ].join('\n')
}
