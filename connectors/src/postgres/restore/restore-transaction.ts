import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { BackupError, describeError, hint, run } from '@telegram-backup/errors'
import { type ClientProgram, knowsRestrict } from '#postgres/client-programs.ts'
import type { PostgresConnection } from '#postgres/connection.ts'
import { queryJson } from '#postgres/psql.ts'
import { refusedByPostgres } from '#postgres/restore/postgres-words.ts'
import type { RestoringRole } from '#postgres/restore/restoring-role.ts'
import { executed } from '#postgres/restore/sql/executions.ts'
import { EMPTY_SEARCH_PATH, quoteName, quoteText } from '#postgres/sql-text.ts'
import { PipedProgram } from '#programs/piped-program.ts'

export interface RestoreTransactionOptions {
  connection: PostgresConnection
  psql: ClientProgram
  session: string
  newRoles: readonly string[]
  /** The role that restores; without rights over roles, it must not have changed itself. */
  role: Pick<RestoringRole, 'isSuperuser' | 'attributes'>
  /** The role that the dump runs as; by default that of the connection. */
  as?: string | undefined
  signal: AbortSignal
}

/** Longest wait for the rollback of a session whose client is gone. */
const ROLLBACK_TRIES = 100
const ROLLBACK_PAUSE_MS = 100

const CONNECTION_LOST = 2

/**
 * One transaction in psql. Whatever ends its input rolls it back. What is written must be wrapped
 * (`executions.ts`), so that nothing in it can end the transaction. Only `commit` ends it, and reports
 * success only when the server says that this very transaction was committed.
 */
export class RestoreTransaction {
  readonly #options: RestoreTransactionOptions
  readonly #psql: PipedProgram
  /** Unique in the cluster (`xid8`); empty before it is known. */
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

  /** Throws `POSTGRES` when the server refuses. */
  static async begin(options: RestoreTransactionOptions): Promise<RestoreTransaction> {
    const transaction = new RestoreTransaction(options)
    await transaction.write(prelude(options))
    const id = await transaction.#ask(OWN_TRANSACTION)
    // From here on the dump or the database sets it, as always in psql.
    await transaction.write('RESET search_path;\n')
    transaction.#transactionId = id
    return transaction
  }

  /** For other sessions that look at this one. Digits. */
  get id(): string {
    return this.#transactionId
  }

  get ended(): AbortSignal {
    const controller = new AbortController()
    void this.#psql.ended.then(() => controller.abort())
    return controller.signal
  }

  async assertRunning(): Promise<void> {
    if (this.#psql.end !== undefined) throw await this.#failure()
  }

  /** Writes SQL; waits while psql has enough. Throws `POSTGRES` when it has stopped. */
  async write(sql: Buffer | string): Promise<void> {
    if (!(await this.#psql.write(sql))) throw await this.#failure()
  }

  /**
   * Resolves when the server has done all that was written, to the transaction that it is in. Throws
   * `POSTGRES` when it refused something.
   */
  async finishWork(): Promise<string> {
    // First comes what waits for the COMMIT: deferred triggers, cursors that outlive it.
    await this.write('CLOSE ALL; SET CONSTRAINTS ALL IMMEDIATE;\n')
    // The dump's settings must neither affect this nor stay in a pooler's connection.
    await this.write(`RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL;\n${SETTINGS}`)
    return await this.#ask(OWN_TRANSACTION)
  }

  /** Commits, and proves it. Throws `POSTGRES`, `UNRESTORABLE`, or `UNKNOWN_OUTCOME`. */
  async commit(): Promise<void> {
    if ((await this.finishWork()) !== this.#transactionId) {
      throw new BackupError('The dump ended the transaction of its restore', { code: 'UNRESTORABLE' })
    }
    const { isSuperuser, attributes } = this.#options.role
    const mayChangeRoles = isSuperuser || attributes.includes('CREATEROLE')
    if (!mayChangeRoles && (await this.#ask(CHANGES_OF_ROLES)) !== '0') {
      throw new BackupError('The dump changes the password or the members of the role that restores it', {
        code: 'UNRESTORABLE',
        hint: hint`pg_dump never writes such a statement. Find out who wrote it: get the file with "${run('fetch')}" and look at it.`,
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
    // A dump can LISTEN, and so much output at the end can push the proof out of what is kept.
    const isUntold = exitCode === null || exitCode === CONNECTION_LOST || exitCode === 0
    if (isUntold && (await this.#outcome()) === 'committed') return
    throw refusedByPostgres('PostgreSQL refused the restore', words)
  }

  /** Undoes it. psql is killed, so that it cannot take the end of its input for the end of the data. */
  async rollBack(): Promise<void> {
    const { exitCode } = await this.#psql.kill()
    if (exitCode === null) await this.#endSession()
  }

  /** The value of a numeric expression. Throws `POSTGRES` when psql has stopped. */
  async #ask(expression: string): Promise<string> {
    const mark = randomBytes(16).toString('hex')
    await this.write(`${telling(expression, mark)}\n`)
    await this.#psql.said(mark)
    // Digits only, since this goes into psql's input again, and the server may be hostile.
    const [, value] = new RegExp(`(\\d+) ${mark}`).exec(this.#psql.output) ?? []
    if (value === undefined) throw await this.#failure()
    return value
  }

  /** Ends the server's side of a killed psql: until it notices, it works on and holds locks. */
  async #endSession(): Promise<void> {
    if (this.#transactionId === '') return
    const { connection, psql } = this.#options
    // Found by its transaction, since a dump may change the session's name.
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
      'It is unknown whether the restore was committed: the connection was lost during the commit',
      {
        code: 'UNKNOWN_OUTCOME',
        hint: `Ask the server: SELECT pg_xact_status('${this.#transactionId}'); "committed" means that the restore is complete.`,
        cause,
      },
    )
  }
}

/** Role catalogs that this transaction has written to, by its locks: we may not read them. */
const CHANGES_OF_ROLES = `(SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks
  WHERE pid = pg_catalog.pg_backend_pid() AND mode = 'RowExclusiveLock'
  AND relation IN ('pg_catalog.pg_authid'::pg_catalog.regclass, 'pg_catalog.pg_auth_members'::pg_catalog.regclass))`

const OWN_TRANSACTION = 'pg_catalog.pg_current_xact_id()'

/** Selects a value, and a mark which proves that the answer is ours and whole. */
function telling(expression: string, mark: string): string {
  return `SELECT pg_catalog.concat(${expression}, ' ${mark}');`
}

/** Parts may come slowly, and a commit may take long. Not every server has each setting. */
const SETTINGS = `${EMPTY_SEARCH_PATH};
SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings
  WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');
`

/** All settings end with the transaction: a pooler may give the connection to others then. */
function prelude({ psql, session, newRoles, as }: RestoreTransactionOptions): string {
  return [
    // Then psql obeys no command in its input; the key to undo it is thrown away.
    ...(knowsRestrict(psql) ? [`\\restrict ${randomBytes(24).toString('hex')}`] : []),
    'BEGIN READ WRITE;',
    SETTINGS,
    'SET LOCAL standard_conforming_strings = on;',
    'SET LOCAL client_min_messages = warning;',
    `SET LOCAL application_name = ${quoteText(session)};`,
    "SET LOCAL client_encoding = 'UTF8';",
    ...newRoles.map(role => executed(`CREATE ROLE ${quoteName(role)} NOLOGIN`)),
    // The dump sets its own; else that of the database counts, as always in psql.
    'RESET client_encoding;',
    // Fails before the first byte if PL/pgSQL is missing.
    executed(''),
    ...(as === undefined ? [] : [`SET LOCAL ROLE ${quoteName(as)};`]),
  ].join('\n')
}
