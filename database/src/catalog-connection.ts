import type { PostgresPoolClient, PostgresQueryResult } from 'kysely'
import type pg from 'pg'
import { CatalogError, noAnswer } from '#catalog-error.ts'
import { type ForeignObject, foreignObject, foreignOwner } from '#foreign-owners.ts'

/** How long one use of a connection waits. Milliseconds. */
export interface ConnectionLimits {
  /** For the first answer. */
  connectTimeoutMs: number
  /**
   * For each statement, including waits for locks. The server then ends it; if even that fails, the
   * connection is given up.
   */
  statementTimeoutMs: number
}

type Level = 'read committed' | 'repeatable read read only'

/** This side waits a little longer than the server, so that it can receive the server's own error. */
const PATIENCE = 1.2

/**
 * How Kysely begins a transaction. Ours are READ COMMITTED, those of `inSnapshot` REPEATABLE READ; any other
 * level comes as another text, and fails.
 */
const BEGINS = /^(begin|start transaction( isolation level read committed)?)$/i
const BEGINS_SNAPSHOT = /^start transaction isolation level repeatable read read only$/i
/** A text of pg-boss with several statements begins and ends its own transaction. */
const LEADING_BEGIN = /^\s*begin\s*;/i

/** The statement that removes the time limit of a transaction, on the server and on this side. */
export const WITHOUT_BOUND = 'set local statement_timeout = 0'

/**
 * One use of a connection. Every statement, even a single one, runs in a transaction that began with our
 * settings: an empty search_path keeps objects of other roles from replacing functions or operators of
 * PostgreSQL. The settings end with the transaction, since behind a pooler the next one of this session may
 * belong to another client. Each wait is bounded, since a server that hangs never reports it.
 */
export class CatalogConnection implements PostgresPoolClient {
  readonly #client: pg.PoolClient
  readonly #limits: ConnectionLimits
  readonly #explain: (error: unknown) => CatalogError
  readonly #known: KnownSchema
  #boundMs: number
  #isReleased = false
  /** The caller began the transaction, and ends it. */
  #isCallers = false
  /** The error of a connection that was given up; a rollback on it fails with the same. */
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
   * Begins a transaction before the first statement; an answer shows that the server is there. Says whether
   * the server is read-only, as a standby is. Throws CatalogError, also when the database makes us act as a
   * strange role, or is another one now that holds objects of strange roles.
   */
  async open(level: Level = 'read committed'): Promise<{ isReadOnly: boolean }> {
    const { rows } = await this.#ask<Opened>(opening(level, this.#limits.statementTimeoutMs))
    this.#boundMs = this.#limits.statementTimeoutMs * PATIENCE
    const opened = rows.at(-1)
    if (opened && opened.acts_as !== opened.logged_in_as) await this.#refuseStrangeRole(opened)
    if (opened && opened.schema !== this.#known.schema) await this.#judge(opened.schema)
    return { isReadOnly: opened?.read_only === 'on' }
  }

  /** `migrate` has checked the first schema. */
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
    if (BEGINS_SNAPSHOT.test(text)) {
      // The level of a transaction that has begun cannot change.
      await this.#ask('rollback')
      await this.open('repeatable read read only')
    }
    if (BEGINS.test(text) || BEGINS_SNAPSHOT.test(text)) {
      this.#isCallers = true
      return nothing<R>()
    }
    if (text === WITHOUT_BOUND) this.#boundMs = Number.POSITIVE_INFINITY
    try {
      const result = await this.#ask<R>(text.replace(LEADING_BEGIN, ''), parameters)
      if (!this.#isCallers && this.#isInTransaction()) await this.#ask('commit')
      return result
    } catch (error) {
      // If that fails, the connection is closed: see `release`.
      if (!this.#isCallers && !this.#lost) await this.#ask('rollback').catch(() => {})
      throw error
    } finally {
      if (!this.#isInTransaction()) this.#isCallers = false
    }
  }) as PostgresPoolClient['query']

  /** A connection that is still in a transaction is closed: no other caller may get into it. */
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
 * The oid of the catalog's schema; null for none, undefined before the first look. While we are away, the
 * owner of the database may replace the schema with another one of that name.
 */
export interface KnownSchema {
  schema: number | null | undefined
}

/** The answer to `opening`. */
interface Opened {
  schema: number | null
  read_only: string
  acts_as: string
  logged_in_as: string
}

/**
 * One text, so one round trip. All names are qualified, since it runs under the earlier search_path. A
 * process that stops in the middle of a transaction must not keep its locks. The owner of the database may
 * set formats for all who connect: times or numbers would then be read wrongly, so they are set here. Nor may
 * a commit be confirmed before it is on disk; a stricter setting stays.
 */
function opening(level: Level, timeoutMs: number): string {
  return `begin isolation level ${level};
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

/** The answer to Kysely where the server need not be asked. */
function nothing<R>(): PostgresQueryResult<R> {
  return { command: 'SELECT', rowCount: 0, rows: [] }
}

/** pg-boss sends several statements in one text; each gives a result. */
function allRows(results: pg.QueryResult[]): pg.QueryResult | undefined {
  const last = results.at(-1)
  // Such a text may end with a COMMIT, of which Kysely needs no rows.
  return last && { ...last, command: '', rows: results.flatMap(({ rows }) => rows) }
}

/**
 * Whether we may act as the present role: we are a member of it, or it was set for our own login (`ALTER ROLE
 * … SET role`). The owner of a database may set another role for all who connect (`ALTER DATABASE … SET
 * role`), and would then own what a superuser makes. The query walks memberships, since a superuser counts as
 * a member of every role.
 */
const isRoleOfOurs = `
  with recursive ours (role) as (
    select oid from pg_catalog.pg_roles where rolname = session_user
     union
    select member.roleid from pg_catalog.pg_auth_members member join ours on member.member = role
  )
  select exists (select from ours join pg_catalog.pg_roles acting on acting.oid = role where acting.rolname = current_user)
      or exists (select from pg_catalog.pg_db_role_setting setting join pg_catalog.pg_roles login on login.oid = setting.setrole
                   left join pg_catalog.pg_database here on here.oid = setting.setdatabase
                  where login.rolname = session_user and (setting.setdatabase = 0 or here.datname = current_database())
                    and ('role=' || pg_catalog.quote_ident(current_user) = any (setting.setconfig)
                      or 'role=' || current_user = any (setting.setconfig))) as is_ours`

function strangeRole({ actsAs, loggedInAs }: { actsAs: string; loggedInAs: string }): CatalogError {
  return new CatalogError(`The login "${loggedInAs}" acts as role "${actsAs}" in the catalog’s database`, {
    code: 'CONFIGURATION',
    hint: `New tables would belong to that role. If the owner of the database set this: ALTER DATABASE … RESET role, and use a separate database for the catalog. If you want it: log in as "${actsAs}", or GRANT it to "${loggedInAs}".`,
  })
}
