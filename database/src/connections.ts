import { setTimeout as delay } from 'node:timers/promises'
import type { Kysely, PostgresPool, PostgresPoolClient, PostgresQueryResult, Transaction } from 'kysely'
import pg from 'pg'
import { CatalogError, isServerGone, toCatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'

/** What stands behind the connections. */
export interface Readiness {
  /** Called before each use of a connection, so cheap when all is well. Throws a CatalogError when there can be no server. */
  ready(): Promise<void>
  /** How long to go on trying when the server has just gone away. */
  reconnectForMs: number
}

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

  constructor(config: pg.PoolConfig, readiness: Readiness) {
    this.#pool = new pg.Pool({
      ...config,
      types,
      max: 5,
      connectionTimeoutMillis: 10_000,
      allowExitOnIdle: true,
    })
    this.#readiness = readiness
    this.#pool.on('error', ignoreLostConnection)
    this.#pool.on('connect', client => client.on('error', ignoreLostConnection))
  }

  async connect(): Promise<PostgresPoolClient> {
    const deadline = performance.now() + this.#readiness.reconnectForMs
    for (;;) {
      if (this.#pool.ending) throw new CatalogError('CATALOG', 'This catalog has been closed')
      await this.#readiness.ready()
      try {
        return translating(await this.#connectAlive())
      } catch (error) {
        if (!isServerGone(error) || performance.now() >= deadline) throw toCatalogError(error)
      }
      await delay(RECONNECT_EVERY_MS)
    }
  }

  /** An idle connection may have lost its server without having been told yet: it is asked before it is given out. */
  async #connectAlive(): Promise<pg.PoolClient> {
    const client = await this.#pool.connect()
    try {
      await client.query('select 1')
      return client
    } catch (error) {
      client.release(true)
      throw error
    }
  }

  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }
}

/** The next statement on that connection fails, or the pool has already dropped it: nothing is left to do here. */
export function ignoreLostConnection(): void {}

function translating(client: pg.PoolClient): PostgresPoolClient {
  async function query<R>(sql: string, parameters: ReadonlyArray<unknown>): Promise<PostgresQueryResult<R>> {
    try {
      return (await client.query(sql, [...parameters])) as unknown as PostgresQueryResult<R>
    } catch (error) {
      throw toCatalogError(error)
    }
  }
  return { query: query as PostgresPoolClient['query'], release: destroy => client.release(destroy) }
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
