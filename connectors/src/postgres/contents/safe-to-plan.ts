import type { PostgresConnection } from '#postgres/connection.ts'
import type { HashableRelation } from '#postgres/contents/hash-tables.ts'
import { readSequences, type SequenceValue } from '#postgres/database-contents.ts'
import type { LeftOutReason } from '#postgres/left-out.ts'
import { PsqlSession } from '#postgres/psql-session.ts'
import { EMPTY_SEARCH_PATH, OUTLIVE_LIMITS, quoteName, quoteText } from '#postgres/sql-text.ts'

/** Name of this session at the server. */
const NAME = 'telegram-backup plan'
/** A pool in session mode may have no free connection. */
const CONNECT_MS = 10_000

/** Each statement sees what is there now, whatever the owner of the database has set. */
const OF_THIS_MOMENT = 'isolation level read committed read only'

/** Less than a server's usual `deadlock_timeout`, after which our wait would end an autovacuum. */
const LOCK_WAIT = '900ms'

/** Rights beyond the database: code of its owner must not get them for a moment. */
const SERVER = `
select pg_catalog.jsonb_build_array(
  pg_catalog.pg_is_in_recovery(),
  exists (select from pg_catalog.pg_settings where name = 'restrict_nonsystem_relation_kind'),
  exists (
    select from pg_catalog.pg_roles r where pg_catalog.pg_has_role(r.oid, 'MEMBER') and (r.rolsuper
      or r.rolname in ('pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files'))))`

/** Why a table cannot be planned; its bytes, undefined where somebody might keep us from reading them. */
export interface Held {
  reason: LeftOutReason | undefined
  bytes: number | undefined
}

/**
 * While PostgreSQL plans a query, it computes what is constant in the table's indexes and statistics, by
 * functions that may be the owner's, with the rights of whoever reads. So a second session looks for such
 * functions, under a lock that keeps everybody from adding one until the query is planned. The lock holds up
 * neither readers nor writers.
 */
export class PlanGuard {
  readonly #session: PsqlSession
  readonly #canLock: boolean
  readonly #isPowerful: boolean
  readonly #refusal: LeftOutReason | undefined

  private constructor(
    session: PsqlSession,
    of: { canLock: boolean; isPowerful: boolean; refusal: LeftOutReason | undefined },
  ) {
    this.#session = session
    this.#canLock = of.canLock
    this.#isPowerful = of.isPowerful
    this.#refusal = of.refusal
  }

  /** Throws what the session throws, for example where the server has no further connection. */
  static async begin(
    connection: PostgresConnection,
    options: { psql: string; signal: AbortSignal | undefined },
  ): Promise<PlanGuard> {
    const environment = { ...connection.environment, PGAPPNAME: NAME }
    const session = new PsqlSession({ ...connection, environment }, options)
    const timer = setTimeout(() => void session.close(), CONNECT_MS)
    try {
      await session.begin(OF_THIS_MOMENT)
      await session.ask(WITHOUT_LIMITS)
      const [isStandby, canRefuseViews, isPowerful] = (await session.ask(SERVER)) as [
        boolean,
        boolean,
        boolean,
      ]
      const refusal = !canRefuseViews ? 'version' : isStandby && isPowerful ? 'unsafe' : undefined
      return new PlanGuard(session, { canLock: !isStandby, isPowerful, refusal })
    } catch (error) {
      await session.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * What was found of each table: one without a reason can be planned until `release`, which must follow.
   * One table is waited for; several are not, and get no lock if somebody holds one on any of them. Never
   * rejects.
   */
  async hold(tables: readonly HashableRelation[]): Promise<Held[]> {
    const refused = tables.map(table => this.#refusalOf(table))
    const looked = tables.filter((_, at) => refused[at] === undefined)
    const found = looked.length === 0 ? [] : await this.#look(looked)
    const inOrder = found.values()
    return refused.map(reason =>
      reason === undefined ? (inOrder.next().value as Held) : { reason, bytes: undefined },
    )
  }

  #refusalOf(table: HashableRelation): LeftOutReason | undefined {
    if (this.#refusal !== undefined) return this.#refusal
    // Without the lock there is a moment in which a function could come; it must not be worth anything.
    return !this.#isLocking(table) && this.#isPowerful ? 'unsafe' : undefined
  }

  #isLocking(table: HashableRelation): boolean {
    return this.#canLock && table.mayLock
  }

  async #look(tables: readonly HashableRelation[]): Promise<Held[]> {
    const locked = tables.filter(table => this.#isLocking(table))
    try {
      const asked = await this.#session.ask(
        `${lockSql(locked, { isWaiting: tables.length === 1 })}${lookedAt(tables)}`,
      )
      const found = new Map((asked as Look[]).map(look => [look[0], look]))
      return tables.map((table, at) => {
        const [, isLocked, calls, bytes] = found.get(at) ?? [at, false, true, null]
        const reason = this.#isLocking(table) && !isLocked ? 'lock' : calls ? 'functions' : undefined
        return { reason, bytes: bytes ?? undefined }
      })
    } catch {
      const reason = this.#session.isOpen ? 'refused' : 'connection'
      return tables.map(() => ({ reason, bytes: undefined }))
    }
  }

  /** Asks the server for it; a lost session holds nothing. */
  release(): void {
    void this.#session.ask(ANEW).catch(() => {})
  }

  /** Throws what the session throws. */
  async sequences(): Promise<SequenceValue[]> {
    return await readSequences(this.#session)
  }

  close(): Promise<void> {
    return this.#session.close()
  }
}

/** It has nothing to do for as long as a large table is hashed. */
const WITHOUT_LIMITS = `set local statement_timeout = 0; ${OUTLIVE_LIMITS}`

/** Ends a transaction with its locks, and begins the next. */
const ANEW = `rollback; begin ${OF_THIS_MOMENT}; ${EMPTY_SEARCH_PATH}; ${WITHOUT_LIMITS}`

const lockSql = (tables: readonly HashableRelation[], { isWaiting }: { isWaiting: boolean }): string => {
  const limit = `set local lock_timeout = '${LOCK_WAIT}';`
  if (tables.length === 0) return limit
  const names = tables.map(({ schema, name }) => `${quoteName(schema)}.${quoteName(name)}`)
  const lock = `lock table only ${names.join(', only ')} in share update exclusive mode`
  return `${limit} ${lock}${isWaiting ? '' : ' nowait'};`
}

/** The number of the table, from 0. */
type Look = [table: number, isLocked: boolean, calls: boolean, bytes: number | null]

/**
 * Of each table: whether we hold the lock; whether planning could call a function that is neither
 * PostgreSQL's own nor a superuser's in C, or the table is no longer one; and its bytes, null if others may
 * keep us from reading.
 */
function lookedAt(tables: readonly HashableRelation[]): string {
  const named = tables.map(
    ({ schema, name }, at) =>
      `(${at}, ${quoteText(schema)}::pg_catalog.name, ${quoteText(name)}::pg_catalog.name)`,
  )
  return `
with wanted (at, schema, name) as (values ${named.join(', ')}), here as (
  select wanted.at, class.oid, class.relkind from wanted
  join pg_catalog.pg_namespace namespace on namespace.nspname = wanted.schema
  join pg_catalog.pg_class class on class.relnamespace = namespace.oid and class.relname = wanted.name
), looked_at as (
  select at, 'pg_catalog.pg_class'::pg_catalog.regclass as catalog, indexrelid as oid
  from pg_catalog.pg_index join here on here.oid = indrelid
  union all
  select at, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid
  from pg_catalog.pg_statistic_ext s join here on here.oid = s.stxrelid
), needs as (
  select at, d.refclassid, d.refobjid from looked_at
  join pg_catalog.pg_depend d on d.classid = looked_at.catalog and d.objid = looked_at.oid
), called as (
  select at, refobjid as oid from needs where refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  union all
  select at, o.oprcode::pg_catalog.oid from needs
  join pg_catalog.pg_operator o on o.oid = refobjid where refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
), calling as (
  select called.at from called join pg_catalog.pg_proc p on p.oid = called.oid
  join pg_catalog.pg_language l on l.oid = p.prolang
  join pg_catalog.pg_roles owner on owner.oid = p.proowner
  where p.oid >= 16384 and (l.lanname not in ('internal', 'c') or not owner.rolsuper)
), locks as (
  select l.relation, l.mode, l.granted and l.pid = pg_catalog.pg_backend_pid() as is_ours from pg_catalog.pg_locks l
  where l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
    and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
)
select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
  here.at,
  exists (select from locks where relation = here.oid and mode = 'ShareUpdateExclusiveLock' and is_ours),
  here.relkind <> 'r' or here.at in (select at from calling),
  case when not exists (select from locks where relation = here.oid and mode = 'AccessExclusiveLock')
    then pg_catalog.pg_table_size(here.oid) end)), '[]')
from here`
}
