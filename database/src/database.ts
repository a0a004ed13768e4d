import { hostname } from 'node:os'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { CatalogPool, POOL_LIMITS, type PoolLimits, type Readiness } from '#connections.ts'
import { EmbeddedServer } from '#embedded/embedded-server.ts'
import { userName } from '#embedded/server-user.ts'
import { checkCount } from '#input-checks.ts'
import type { LockWait } from '#leases/lock-wait.ts'

/** An open catalog. Its functions take it as their first argument. */
export interface Database {
  /** Tables are looked for in schema `control_plane`. */
  readonly kysely: Kysely<CatalogSchema>
  /** Where the catalog lies, for people; holds no secret. */
  readonly location: string
  /** Who is named in the history, `user@host` by default. `{ ...database, actor }` acts in another name. */
  readonly actor: string
  /** For callers that wait for locks; others fail with BUSY. */
  readonly lockWait?: LockWait | undefined
  /**
   * Ends all connections; the last process stops the embedded server. May be called twice. A process that
   * never calls it can still end by itself.
   */
  close(): Promise<void>
}

/** Where the catalog is: `url` comes before `dataDir`. */
export interface OpenDatabaseOptions {
  /** `postgresql://…` of a PostgreSQL 14 or newer. */
  url?: string
  /** State folder of the embedded server; made if need be. */
  dataDir?: string
  /** Who is named in the history. */
  actor?: string
  /** Ends the wait for the server; an open database is not affected. */
  signal?: AbortSignal
  /** Called with a sentence for a person about the account of root's embedded server. */
  note?: (words: string) => void
  /** Connections at most, 3 or more: 10 unless given. */
  connections?: number
  /** Milliseconds; 10 and 60 seconds unless given. */
  connectTimeoutMs?: number
  statementTimeoutMs?: number
}

const OLDEST_VERSION = 140_000
/** Work on indexes may hold two, see `withIndexLock`, while it needs others. */
const LEAST_CONNECTIONS = 3
const RECONNECT_FOR_MS = 2_000
const RESTART_FOR_MS = 15_000

/**
 * Opens the catalog; `migrate` makes its tables. CatalogError CONFIGURATION when neither place is given or
 * the server is too old, CATALOG when no server answers.
 */
export async function openDatabase(options: OpenDatabaseOptions = {}): Promise<Database> {
  const actor = options.actor ?? `${userName()}@${hostname()}`
  const { url, dataDir, signal } = options
  const limits = limitsOf(options)
  if (url) return await openByUrl(url, { actor, signal, limits })
  if (dataDir) return await openEmbedded(dataDir, { actor, signal, limits, note: options.note })
  throw new CatalogError('No place for the catalog was given', {
    code: 'CONFIGURATION',
    hint: 'Set DATABASE_URL, or give a state folder for the embedded server.',
  })
}

function limitsOf(options: OpenDatabaseOptions): PoolLimits {
  const limits = {
    connections: options.connections ?? POOL_LIMITS.connections,
    connectTimeoutMs: options.connectTimeoutMs ?? POOL_LIMITS.connectTimeoutMs,
    statementTimeoutMs: options.statementTimeoutMs ?? POOL_LIMITS.statementTimeoutMs,
  }
  checkCount('number of connections', limits.connections, LEAST_CONNECTIONS)
  checkCount('time to wait', limits.connectTimeoutMs, 1)
  checkCount('time to wait', limits.statementTimeoutMs, 1)
  return limits
}

interface Opening {
  actor: string
  signal: AbortSignal | undefined
  limits: PoolLimits
}

async function openByUrl(url: string, { actor, signal, limits }: Opening): Promise<Database> {
  const location = locationOf(url)
  const config = { connectionString: url, application_name: 'telegram-backup', keepAlive: true }
  // A wrong address should be reported at once; a server that was there once is given time to restart.
  const readiness: Readiness = { ready: async () => {}, reconnectForMs: 0 }
  const pool = new CatalogPool(config, readiness, limits)
  const kysely = kyselyOn(pool)
  try {
    await refuseOldServer(kysely, signal)
  } catch (error) {
    const ended = pool.end()
    // A connection that is still being made delays the end, and the caller does not want to wait.
    if (!signal?.aborted) await ended
    throw error
  }
  readiness.reconnectForMs = RECONNECT_FOR_MS
  return { kysely, location, actor, close: once(() => pool.end()) }
}

async function openEmbedded(
  dataDir: string,
  { actor, signal, limits, note }: Opening & { note: OpenDatabaseOptions['note'] },
): Promise<Database> {
  const server = await EmbeddedServer.enter(dataDir, { signal, note })
  const readiness = { ready: () => server.stayEntered(), reconnectForMs: RESTART_FOR_MS }
  const pool = new CatalogPool({ ...server.connection, idleTimeoutMillis: 1_000 }, readiness, limits)
  const close = once(async () => {
    leftOpen.delete(close)
    if (leftOpen.size === 0) process.off('beforeExit', closeLeftOpen)
    await pool.end()
    await server.leave()
  })
  closeWhenIdle(close)
  return { kysely: kyselyOn(pool), location: `embedded PostgreSQL in ${server.stateFolder}`, actor, close }
}

// A program that never calls close() should not leave a server behind when it has nothing more to do.
const leftOpen = new Set<() => Promise<void>>()

function closeWhenIdle(close: () => Promise<void>): void {
  if (leftOpen.size === 0) process.on('beforeExit', closeLeftOpen)
  leftOpen.add(close)
}

function closeLeftOpen(): void {
  for (const close of leftOpen) close().catch(() => {})
}

function kyselyOn(pool: CatalogPool): Kysely<CatalogSchema> {
  return new Kysely<CatalogSchema>({ dialect: new PostgresDialect({ pool }) }).withSchema('control_plane')
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => {
    done ??= work()
    return done
  }
}

async function refuseOldServer(kysely: Kysely<CatalogSchema>, signal?: AbortSignal): Promise<void> {
  const { rows } = await sql<{ version: number; name: string }>`
    select current_setting('server_version_num')::int as version, current_setting('server_version') as name
  `.execute(kysely, { signal })
  const server = rows[0]
  if (server && server.version >= OLDEST_VERSION) return
  throw new CatalogError(`The catalog’s PostgreSQL ${server?.name} is too old`, {
    code: 'CONFIGURATION',
    hint: 'Use PostgreSQL 14 or newer, or unset DATABASE_URL for the embedded server.',
  })
}

function locationOf(url: string): string {
  try {
    // After an unencoded / ? or # in the password, the parser takes the rest for the name of the database.
    if (!/^postgres(ql)?:\/\/[^/?#]*([/?#][^@]*)?$/.test(url)) throw new TypeError('not a PostgreSQL URL')
    const { host, port, database } = new pg.Client({ connectionString: url })
    return `PostgreSQL ${host}:${port}/${database}`
  } catch {
    // The parser's message may quote the URL, so it does not even go into `cause`.
    throw new CatalogError('The address of the catalog cannot be read', {
      code: 'CONFIGURATION',
      hint: 'DATABASE_URL looks like postgresql://USER:PASSWORD@HOST:PORT/DATABASE; encode special characters.',
    })
  }
}
