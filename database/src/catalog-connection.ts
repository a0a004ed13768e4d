import type { PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'
import { isRoleOfOurs, strangeRole } from '#acting-role.ts'
import { type CatalogError, noAnswer } from '#catalog-error.ts'
import { type ForeignObject, foreignObject, foreignOwner } from '#foreign-owners.ts'

/** How long one use of a connection waits. Milliseconds. */
export interface ConnectionLimits {
  /** For the first answer. */
  connectTimeoutMs: number
  /** For each statement, waits for locks included. The server ends it then; should it not even do that, the connection is given up. */
  statementTimeoutMs: number
}

/** This side waits a little longer than the server, so that the server's own word is heard if there is one. */
const PATIENCE = 1.2

/** How Kysely begins a transaction. READ COMMITTED is what ours are; another level would come as another text, and fail. */
const BEGINS = /^(begin|start transaction( isolation level read committed)?)$/i
/** pg-boss's texts of several statements begin and end a transaction of their own. */
const LEADING_BEGIN = /^\s*begin\s*;/i

/** The text by which a transaction asks for patience, on the server and on this side. */
export const WITHOUT_BOUND = 'set local statement_timeout = 0'

/**
 * One use of a connection. Every statement runs in a transaction that began with our settings, also one that comes alone: with
 * an empty search_path nothing that another role has put into the database takes the place of a function or operator of
 * PostgreSQL's. The settings end with the transaction, since behind a pooler the next one of this session may be somebody else's.
 * A server that hangs, or a network that swallows everything, never says that it does, so each wait is bounded.
 */
export class CatalogConnection implements PostgresPoolClient {
  readonly #client: pg.PoolClient
  readonly #limits: ConnectionLimits
  readonly #explain: (error: unknown) => CatalogError
  readonly #known: KnownSchema
  #boundMs: number
  #isReleased = false
  /** Whoever uses the connection has begun a transaction, and ends it. */
  #isCallers = false
  /** What a rollback on a connection that was given up fails with as well. */
  #lost: CatalogError | undefined

  /**
   * @param of.explain makes the error that leaves of the one that PostgreSQL's client threw
   * @param of.known shared by all connections of a pool
   */
  constructor(
    client: pg.PoolClient,
    of: { limits: ConnectionLimits; explain: (error: unknown) => CatalogError; known: KnownSchema },
  ) {
    this.#client = client
    this.#limits = of.limits
    this.#explain = of.explain
    this.#known = of.known
    this.#boundMs = of.limits.connectTimeoutMs
  }

  /**
   * Begins a transaction, ahead of the first statement: the answer tells that the server is there. Says whether it takes no
   * writes, as a standby does. Throws CatalogError, also when the database makes us act as a role that is not ours, or has come to be
   * another one, in which not all is ours.
   */
  async open(): Promise<{ isReadOnly: boolean }> {
    const { rows } = await this.#ask<Opened>(opening(this.#limits.statementTimeoutMs))
    this.#boundMs = this.#limits.statementTimeoutMs * PATIENCE
    const opened = rows.at(-1)
    if (opened && opened.acts_as !== opened.logged_in_as) await this.#refuseStrangeRole(opened)
    if (opened && opened.schema !== this.#known.schema) await this.#judge(opened.schema)
    return { isReadOnly: opened?.read_only === 'on' }
  }

  /** `migrate` judges what was there first. */
  async #judge(schema: number | null): Promise<void> {
    if (this.#known.schema !== undefined) {
      const { rows } = await this.#ask<ForeignObject>(foreignObject)
      if (rows[0] !== undefined) throw foreignOwner(rows[0])
    }
    this.#known.schema = schema
  }

  async #refuseStrangeRole({ acts_as, logged_in_as }: Opened): Promise<void> {
    const { rows } = await this.#ask<{ is_ours: boolean }>(isRoleOfOurs)
    if (rows[0]?.is_ours !== true) throw strangeRole({ actsAs: acts_as, loggedInAs: logged_in_as })
  }

  readonly query = (async <R>(text: string, parameters: unknown[]): Promise<PostgresQueryResult<R>> => {
    if (/^rollback$/i.test(text) && !this.#lost && !this.#isInTransaction()) return nothing<R>()
    if (!this.#lost && !this.#isInTransaction()) await this.open()
    if (BEGINS.test(text)) {
      this.#isCallers = true
      return nothing<R>()
    }
    if (text === WITHOUT_BOUND) this.#boundMs = Number.POSITIVE_INFINITY
    try {
      const result = await this.#ask<R>(text.replace(LEADING_BEGIN, ''), parameters)
      if (!this.#isCallers && this.#isInTransaction()) await this.#ask('commit')
      return result
    } catch (error) {
      // Where that fails, the connection is not given to others: see `release`.
      if (!this.#isCallers && !this.#lost) await this.#ask('rollback').catch(() => {})
      throw error
    } finally {
      if (!this.#isInTransaction()) this.#isCallers = false
    }
  }) as PostgresPoolClient['query']

  /** One that is left in a transaction is closed: nobody else may get into it. */
  release(destroy?: boolean): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#client.release(destroy || this.#isInTransaction())
  }

  #isInTransaction(): boolean {
    return this.#client.getTransactionStatus() !== 'I'
  }

  async #ask<R>(text: string, parameters: unknown[] = []): Promise<PostgresQueryResult<R>> {
    if (this.#lost) throw this.#lost
    let isTooLate = false
    const giveUp = () => {
      isTooLate = true
      // The statement then fails, as a lost connection does.
      this.release(true)
    }
    const timer = Number.isFinite(this.#boundMs) ? setTimeout(giveUp, this.#boundMs) : undefined
    try {
      const result: unknown = await this.#client.query(text, [...parameters])
      return (Array.isArray(result) ? allRows(result) : result) as PostgresQueryResult<R>
    } catch (error) {
      if (!isTooLate) throw this.#explain(error)
      this.#lost = noAnswer(error)
      throw this.#lost
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * The catalog's schema by its number, null for none: who owns the database may drop it while we are away, make another one of that name, and
 * put into it what he likes. Undefined before the first look.
 */
export interface KnownSchema {
  schema: number | null | undefined
}

/** What the beginning of a transaction answers. */
interface Opened {
  schema: number | null
  read_only: string
  acts_as: string
  logged_in_as: string
}

/**
 * One text, so one way there and back. Qualified names alone, also of the operator: it runs under the search_path of before. A process
 * that stops in the middle of a transaction must not keep its locks. The database's owner may set for all who connect how times and
 * numbers are written and texts are read: in another style a time would be read as none, or, in a zone that is a hundred hours away, as one of
 * days before. Nor may he have a commit answered before it is on the disk; who waits for more than that goes on doing so.
 */
function opening(timeoutMs: number): string {
  return `begin isolation level read committed;
select pg_catalog.set_config('search_path', '', true),
  pg_catalog.set_config('statement_timeout', '${timeoutMs}', true),
  pg_catalog.set_config('idle_in_transaction_session_timeout', '${timeoutMs}', true),
  pg_catalog.set_config('datestyle', 'ISO, MDY', true),
  pg_catalog.set_config('timezone', 'UTC', true),
  pg_catalog.set_config('extra_float_digits', '1', true),
  pg_catalog.set_config('standard_conforming_strings', 'on', true),
  case when pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off'::pg_catalog.text
    then pg_catalog.set_config('synchronous_commit', 'on', true) end,
  pg_catalog.to_regnamespace('control_plane')::pg_catalog.oid as schema,
  pg_catalog.current_setting('transaction_read_only') as read_only,
  current_user as acts_as, session_user as logged_in_as`
}

/** What Kysely is answered where nothing had to be asked. */
function nothing<R>(): PostgresQueryResult<R> {
  return { command: 'SELECT', rowCount: 0, rows: [] }
}

/** A text of several statements, as pg-boss has them, gives a result for each. */
function allRows(results: pg.QueryResult[]): pg.QueryResult | undefined {
  const last = results.at(-1)
  // Of a COMMIT, which such a text may end with, Kysely wants to know no rows.
  return last && { ...last, command: '', rows: results.flatMap(({ rows }) => rows) }
}
