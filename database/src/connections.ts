import { setTimeout as delay } from 'node:timers/promises'
import {
  CompiledQuery,
  type Kysely,
  type PostgresPool,
  type PostgresPoolClient,
  type Transaction,
} from 'kysely'
import pg from 'pg'
import {
  CatalogConnection,
  type ConnectionLimits,
  type KnownSchema,
  WITHOUT_BOUND,
} from '#catalog-connection.ts'
import { CatalogError, isServerGone, toCatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'

/** The server behind the connections. */
export interface Readiness {
  /**
   * Called before each use of a connection, so it must be cheap. Throws a CatalogError when there is no
   * server.
   */
  ready(): Promise<void>
  /** How long to go on trying when the server has just gone away. */
  reconnectForMs: number
}

/**
 * The number of connections, and the time limits; the limit to connect includes the wait for a free
 * connection.
 */
export interface PoolLimits extends ConnectionLimits {
  /** Connections at most. */
  connections: number
}

/**
 * Ten connections serve two jobs and some uploads with four parts in flight each, since statements are short.
 * `serve` has five more for its HTTP API: six services share the 100 connections of PostgreSQL's default. A
 * statement takes milliseconds; a minute is for an overloaded disk.
 */
export const POOL_LIMITS: PoolLimits = {
  connections: 10,
  connectTimeoutMs: 10_000,
  statementTimeoutMs: 60_000,
}

const INT8_OID = 20
/** Its name is missing in the types of the library. */
const INT8_ARRAY_OID: number = 1016
const RECONNECT_EVERY_MS = 50

/** bigint columns as numbers. Sizes and ids beyond 2^53 − 1 are refused rather than rounded. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (oid === INT8_OID) return parseInt8
    if (oid === INT8_ARRAY_OID) return parseInt8s
    return pg.types.getTypeParser(oid, format)
  },
}

/** `{1,2}`; the catalog has no arrays with nulls, or of more than one dimension. */
function parseInt8s(text: string): number[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(parseInt8)
}

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint ${text} does not fit into a number`)
  return value
}

/**
 * The pool for Kysely. Every error leaves as a CatalogError. `readiness` waits for a server that went away,
 * or starts it again. Only connecting is repeated: a lost statement may have taken effect. Idle connections
 * do not keep the process alive.
 */
export class CatalogPool implements PostgresPool {
  // Kysely only passes them on, and the real ones hold the password.
  readonly options = {}
  readonly #pool: pg.Pool
  readonly #readiness: Readiness
  readonly #limits: PoolLimits
  readonly #used = new WeakSet<pg.PoolClient>()
  readonly #known: KnownSchema = { schema: undefined }
  /** Once the catalog could be written, a fault of its address counts as an outage. */
  #wasGood = false

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

  /** The connection is in a transaction of ours already, see `CatalogConnection`. */
  async connect(): Promise<PostgresPoolClient> {
    const deadline = performance.now() + this.#readiness.reconnectForMs
    for (;;) {
      if (this.#pool.ending) throw new CatalogError('This catalog has been closed', { code: 'CATALOG' })
      await this.#readiness.ready()
      try {
        return await this.#connectAlive()
      } catch (error) {
        if (!isServerGone(causeOf(error)) || performance.now() >= deadline) throw this.#explain(error)
      }
      await delay(RECONNECT_EVERY_MS)
    }
  }

  /**
   * An idle connection may have lost its server unnoticed, so it is tested first. A used one whose server is
   * now read-only leads to the former primary: a new one goes where the address leads now.
   */
  async #connectAlive(): Promise<PostgresPoolClient> {
    for (;;) {
      const client = await this.#pool.connect()
      const connection = new CatalogConnection(client, {
        limits: this.#limits,
        explain: this.#explain,
        known: this.#known,
      })
      const wasUsed = this.#used.has(client)
      this.#used.add(client)
      try {
        const { isReadOnly } = await connection.open()
        this.#wasGood ||= !isReadOnly
        if (!isReadOnly || !wasUsed || !this.#wasGood) return connection
      } catch (error) {
        connection.release(true)
        throw error
      }
      connection.release(true)
    }
  }

  readonly #explain = (error: unknown): CatalogError => toCatalogError(error, { wasGood: this.#wasGood })

  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }
}

/** Nothing to do: the next statement on that connection fails, or the pool has already dropped it. */
export function ignoreLostConnection(): void {}

/** From here on, the statements of this transaction have no time limit. */
export async function waitWithoutBound(trx: Transaction<CatalogSchema>): Promise<void> {
  await trx.executeQuery(CompiledQuery.raw(WITHOUT_BOUND))
}

function causeOf(error: unknown): unknown {
  return error instanceof CatalogError ? error.cause : error
}

/**
 * Runs `work` in one transaction; an error rolls back. READ COMMITTED whatever the server's default: what is
 * read after waiting for a lock must be as new as the lock.
 */
export async function inTransaction<T>(
  kysely: Kysely<CatalogSchema>,
  work: (trx: Transaction<CatalogSchema>) => Promise<T>,
): Promise<T> {
  return await kysely.transaction().setIsolationLevel('read committed').execute(work)
}
