import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type Kysely,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  type Transaction,
} from 'kysely'
import pg from 'pg'
import { CatalogError, isServerGone, noAnswer, toCatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'

/** What stands behind the connections. */
export interface Readiness {
  /** Called before each use of a connection, so cheap when all is well. Throws a CatalogError when there can be no server. */
  ready(): Promise<void>
  /** How long to go on trying when the server has just gone away. */
  reconnectForMs: number
}

/** How much is asked of the server at once, and how long it is waited for. */
export interface PoolLimits {
  /** Connections at most. */
  connections: number
  /** For a connection: until one is free or made, and then until it answers. */
  connectTimeoutMs: number
  /** For each statement, waits for locks included. The server ends it then; should it not even do that, the connection is given up. */
  statementTimeoutMs: number
}

/**
 * Ten connections: two jobs and some uploads with four parts in flight each, whose statements are short, so that they take
 * turns. `serve` has five more for its HTTP API: six of them share the hundred that PostgreSQL has by default. A statement takes
 * milliseconds; a minute is for a disk that is overloaded.
 */
export const POOL_LIMITS: PoolLimits = {
  connections: 10,
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 60_000,
}

/** This side waits a little longer than the server, so that the server's own word is heard if there is one. */
const PATIENCE = 1.2

const INT8_OID = 20
const RECONNECT_EVERY_MS = 50

/** bigint columns as numbers. Sizes and ids beyond 2^53 − 1 are refused rather than rounded. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === INT8_OID ? parseInt8 : pg.types.getTypeParser(oid, format)),
}

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit into a number`)
  return value
}

/**
 * The pool as Kysely needs it: every error leaves as a CatalogError, and a server that went away is waited for
 * or started again by `readiness`. Only connecting is repeated; a statement that was lost on the way is not,
 * since it may have taken effect. Idle connections do not keep the process alive.
 */
export class CatalogPool implements PostgresPool {
  // Kysely only passes them on; the real ones hold the password.
  readonly options = {}
  readonly #pool: pg.Pool
  readonly #readiness: Readiness
  readonly #limits: PoolLimits
  readonly #told = new WeakSet<pg.PoolClient>()

  constructor(config: pg.PoolConfig, readiness: Readiness, limits: PoolLimits = POOL_LIMITS) {
    this.#pool = new pg.Pool({
      ...config,
      types,
      max: limits.connections,
      connectionTimeoutMillis: limits.connectTimeoutMs,
      allowExitOnIdle: true,
    })
    this.#readiness = readiness
    this.#limits = limits
    this.#pool.on('error', ignoreLostConnection)
    this.#pool.on('connect', client => client.on('error', ignoreLostConnection))
  }

  async connect(): Promise<PostgresPoolClient> {
    const deadline = performance.now() + this.#readiness.reconnectForMs
    for (;;) {
      if (this.#pool.ending) throw new CatalogError('CATALOG', 'This catalog has been closed')
      await this.#readiness.ready()
      try {
        return await this.#connectAlive()
      } catch (error) {
        if (!isServerGone(causeOf(error)) || performance.now() >= deadline) throw toCatalogError(error)
      }
      await delay(RECONNECT_EVERY_MS)
    }
  }

  /** An idle connection may have lost its server without having been told yet: it is asked before it is given out. */
  async #connectAlive(): Promise<PostgresPoolClient> {
    const { connectTimeoutMs, statementTimeoutMs } = this.#limits
    const client = await this.#pool.connect()
    const connection = new BoundedConnection(client, connectTimeoutMs)
    try {
      // By statement, since poolers between us and the server refuse such settings at the start of a connection.
      await connection.query(this.#told.has(client) ? 'select 1' : settings(statementTimeoutMs), [])
      this.#told.add(client)
    } catch (error) {
      connection.release(true)
      throw error
    }
    connection.boundMs = statementTimeoutMs * PATIENCE
    return connection
  }

  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }
}

/** The next statement on that connection fails, or the pool has already dropped it: nothing is left to do here. */
export function ignoreLostConnection(): void {}

/** A process that stops in the middle of a transaction must not keep its locks. */
function settings(timeoutMs: number): string {
  return `set statement_timeout = ${timeoutMs}; set idle_in_transaction_session_timeout = ${timeoutMs}`
}

/** The text by which a transaction asks for patience, on the server and on this side. */
const WITHOUT_BOUND = 'set local statement_timeout = 0'

/** From here to its end, the statements of this transaction may take as long as they need. */
export async function waitWithoutBound(trx: Transaction<CatalogSchema>): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw(WITHOUT_BOUND))
}

/** One use of a connection. A server that hangs, or a network that swallows everything, never says that it does. */
class BoundedConnection implements PostgresPoolClient {
  boundMs: number
  readonly #client: pg.PoolClient
  #isReleased = false
  /** What a rollback on a connection that was given up fails with as well. */
  #lost: CatalogError | undefined

  constructor(client: pg.PoolClient, boundMs: number) {
    this.#client = client
    this.boundMs = boundMs
  }

  readonly query = (async <R>(text: string, parameters: unknown[]): Promise<PostgresQueryResult<R>> => {
    if (this.#lost) throw this.#lost
    if (text === WITHOUT_BOUND) this.boundMs = Number.POSITIVE_INFINITY
    let isTooLate = false
    const giveUp = () => {
      isTooLate = true
      // The statement then fails, as a lost connection does.
      this.release(true)
    }
    const timer = Number.isFinite(this.boundMs) ? setTimeout(giveUp, this.boundMs) : undefined
    try {
      const result: unknown = await this.#client.query(text, [...parameters])
      return (Array.isArray(result) ? allRows(result) : result) as PostgresQueryResult<R>
    } catch (error) {
      if (!isTooLate) throw toCatalogError(error)
      this.#lost = noAnswer(error)
      throw this.#lost
    } finally {
      clearTimeout(timer)
    }
  }) as PostgresPoolClient['query']

  release(destroy?: boolean): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#client.release(destroy)
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof CatalogError ? error.cause : error
}

/** A text of several statements, as pg-boss has them, gives a result for each. */
function allRows(results: pg.QueryResult[]): pg.QueryResult | undefined {
  const last = results.at(-1)
  // Of a COMMIT, which such a text may end with, Kysely wants to know no rows.
  return last && { ...last, command: '', rows: results.flatMap(({ rows }) => rows) }
}

/**
 * Runs `work` in one transaction; an error rolls back. READ COMMITTED whatever the server's default is: what is
 * looked at after waiting for a lock must be as new as the lock.
 */
export async function inTransaction<T>(
  kysely: Kysely<CatalogSchema>,
  work: (trx: Transaction<CatalogSchema>) => Promise<T>,
): Promise<T> {
  return await kysely.transaction().setIsolationLevel('read committed').execute(work)
}
