import type { Database, LockWait } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { ObjectStore } from '@telegram-backup/vault/objects/object-store.ts'
import type { BackupService, TelegramClient, TransferObserver } from 'telegram-deployment-bot'
import type { Engine } from '#engine.ts'
import type { Config } from '#environment.ts'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import type { Logger } from '#logging.ts'

export type { TransferObserver }

// Loads the packages when they are needed: `list` needs no chat and no archive, and is faster without them.

/**
 * Opens the configured catalog and migrates its schema. The caller closes it.
 * @param options.connections the maximum; default: the database package's own
 * @param options.note gets what a person should know about the user that runs root's embedded server
 */
export async function openCatalog(
  config: Config,
  signal?: AbortSignal,
  { note, ...options }: { connections?: number; note?: (line: string) => void } = {},
): Promise<Database> {
  const { migrate, openDatabase } = await import('@telegram-backup/database')
  const where =
    config.databaseUrl === undefined ? { dataDir: config.stateFolder } : { url: config.databaseUrl }
  const database = await openDatabase({
    ...{ ...where, ...options },
    ...(signal && { signal }),
    ...(note && { note }),
  }).catch((error: unknown) => {
    // Whoever waits for a server throws what the signal says, which is no word for people.
    const isRaw = signal?.aborted && !(error instanceof BackupError)
    throw isRaw ? new BackupError('Cancelled', { code: 'CANCELLED' }) : error
  })
  try {
    await migrate(database)
    const { lockWaitMs: forMs } = config
    if (forMs === undefined) return database
    const lockWait: LockWait = {
      forMs,
      note: line => note?.(line),
      signal: signal ?? new AbortController().signal,
    }
    return { ...database, lockWait }
  } catch (error) {
    await database.close()
    throw error
  }
}

/** A catalog that answers within that time, or does not matter. */
const SOON_MS = 1_000

/**
 * Opens the configured catalog for a short look, as it is; undefined when it is the embedded one and its
 * server does not run. The caller closes it.
 */
export async function openRunningCatalog(config: Config, signal: AbortSignal): Promise<Database | undefined> {
  const { isEmbeddedServerRunning, openDatabase } = await import('@telegram-backup/database')
  const { databaseUrl: url, stateFolder: dataDir } = config
  if (url === undefined && !isEmbeddedServerRunning(dataDir)) return undefined
  const where = url === undefined ? { dataDir } : { url }
  const limits = { connections: 3, connectTimeoutMs: SOON_MS, statementTimeoutMs: SOON_MS }
  return await openDatabase({ ...where, ...limits, signal })
}

/**
 * A client for the configured bot. Throws `CONFIGURATION` without a token.
 * @param options.uploadBytesPerSecond a limit for all its uploads together; default: none
 * @param options.observer gets its waits and bytes
 */
export async function openTelegram(
  config: Config,
  options: { uploadBytesPerSecond?: number | undefined; observer?: TransferObserver } = {},
): Promise<TelegramClient> {
  const { createTelegramClient } = await import('telegram-deployment-bot')
  if (config.token === undefined) {
    throw new BackupError('No bot token is configured', {
      code: 'CONFIGURATION',
      hint: 'Set TELEGRAM_BOT_TOKEN or TELEGRAM_BOT_TOKEN_FILE; @BotFather gives you a token.',
    })
  }
  return createTelegramClient({ token: config.token, ...options })
}

export async function openBackupService(config: Config, client?: TelegramClient): Promise<BackupService> {
  const { BackupService } = await import('telegram-deployment-bot')
  const telegramClient = client ?? (await openTelegram(config))
  return new BackupService({ telegramClient, defaultChatId: config.chatId })
}

export interface OpenEngine extends Engine {
  close(): Promise<void>
}

/**
 * Opens what operations work with. It reports wrong settings before it opens the catalog. The caller closes
 * it.
 */
export async function openEngine(
  config: Config,
  options: {
    signal: AbortSignal
    connections?: number
    note?: (line: string) => void
    uploadBytesPerSecond?: number | undefined
    observer?: TransferObserver
  },
): Promise<OpenEngine> {
  const { signal, uploadBytesPerSecond, observer, ...rest } = options
  const client = await openTelegram(config, { uploadBytesPerSecond, ...(observer && { observer }) })
  const [service, database] = await Promise.all([
    openBackupService(config, client),
    openCatalog(config, signal, rest),
  ])
  return { config, client, service, database, close: () => database.close() }
}

/**
 * The store of the objects of all buckets; it makes no call before it is used. The caller closes it. Throws
 * `CONFIGURATION` without a chat, and `NO_KEY` without a public key.
 * @param options.cacheBytes for packs on the disk
 * @param options.signal ends all its work at once
 */
export async function openObjects(
  { config, database, client }: Pick<Engine, 'config' | 'database' | 'client'>,
  options: { cacheBytes: number; log: (line: string) => void; signal: AbortSignal },
): Promise<ObjectStore> {
  const { openObjectStore } = await import('@telegram-backup/vault/objects/open-object-store.ts')
  return await openObjectStore({ database, client, config, ...options })
}

const START_ATTEMPTS = 5
/**
 * Unique violation, duplicate schema, table, function, object. When several processes start on a new catalog,
 * one creates pg-boss's schema and the others get these; pg-boss locks too late. The next try finds the
 * schema.
 */
const MADE_MEANWHILE: ReadonlySet<string> = new Set(['23505', '42P06', '42P07', '42723', '42710'])

/**
 * The queue of jobs in the catalog's PostgreSQL, created if need be. The caller stops it before it closes the
 * catalog. Throws `CONFIGURATION` when the schema belongs to another role.
 * @param options.tends whether it also deletes what pg-boss no longer needs: a service does, a command does
 * not
 */
export async function openJobQueue(
  database: Database,
  options: { log?: Logger; tends: boolean },
): Promise<PgBossQueue> {
  const { PgBoss } = await import('pg-boss')
  const { bossDatabase, PgBossQueue } = await import('#jobs/pg-boss-queue.ts')
  const { closeQueueSchema, makeQueueSchema, sqlRunner } = await import('@telegram-backup/database')
  const { isNew } = await makeQueueSchema(database).catch((error: Error) => {
    // Our own refusals have no cause.
    throw error.cause === undefined ? error : unopened(error)
  })
  const make = () => {
    const boss = new PgBoss({
      db: bossDatabase(sqlRunner(database)),
      schema: 'pgboss',
      // Schedules and metrics are ours, so pg-boss rarely needs to query.
      schedule: false,
      supervise: options.tends,
      registerInstance: false,
      monitorVacuum: false,
      reindex: false,
      openTelemetry: { enabled: false },
      superviseIntervalSeconds: 300,
      monitorIntervalSeconds: 300,
      queueCacheIntervalSeconds: 600,
      bamIntervalSeconds: 600,
      flowIntervalSeconds: 3600,
    })
    boss.on('error', error => options.log?.warn({ error }, 'the queue could not be maintained; trying again'))
    boss.on('warning', ({ message }) => options.log?.warn({ reason: message }, 'the queue warns'))
    return boss
  }
  for (let attempt = 1; ; attempt++) {
    const boss = make()
    try {
      await boss.start()
      if (isNew) await closeQueueSchema(database)
      return new PgBossQueue(database, boss)
    } catch (error) {
      await boss.stop({ graceful: false }).catch(() => {})
      if (attempt < START_ATTEMPTS && MADE_MEANWHILE.has(describeError(error).code ?? '')) continue
      throw unopened(error)
    }
  }
}

function unopened(cause: unknown): BackupError {
  return new BackupError('The queue of jobs could not be opened in the catalog', {
    code: 'CATALOG',
    hint: 'Allow the catalog’s user to create the schema "pgboss" once.',
    cause,
  })
}
