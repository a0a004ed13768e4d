import type { Database } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { BackupService, TelegramClient, TransferObserver } from 'telegram-deployment-bot'
import type { Config } from '#environment.ts'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import type { Logger } from '#logging.ts'
import type { Engine } from '#operations/engine.ts'

// The packages are loaded when they are needed: `list` wants no chat and no archive, and answers sooner
// without them.

/**
 * Opens the catalog that the configuration names and brings its schema up to date. The caller closes it.
 * @param options.connections at most; the catalog's own number if left out
 * @param options.note called with a sentence about the account of root’s embedded server
 */
export async function openCatalog(
  config: Config,
  signal?: AbortSignal,
  options: { connections?: number; note?: (words: string) => void } = {},
): Promise<Database> {
  const { migrate, openDatabase } = await import('@telegram-backup/database')
  const where =
    config.databaseUrl === undefined ? { dataDir: config.stateFolder } : { url: config.databaseUrl }
  const database = await openDatabase({ ...where, ...options, ...(signal ? { signal } : {}) })
  try {
    await migrate(database)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/**
 * A client for the bot of the configuration. Throws `CONFIGURATION` without a token.
 * @param options.uploadBytesPerSecond a bound for all its uploads together; none if left out
 * @param options.observer hears of its waits and bytes
 */
export async function openTelegram(
  config: Config,
  options: { uploadBytesPerSecond?: number | undefined; observer?: TransferObserver } = {},
): Promise<TelegramClient> {
  const { createTelegramClient } = await import('telegram-deployment-bot')
  if (config.token === undefined) {
    throw new BackupError('No bot token is configured', {
      code: 'CONFIGURATION',
      hint: 'Set TELEGRAM_BOT_TOKEN, or TELEGRAM_BOT_TOKEN_FILE; @BotFather gives you one.',
    })
  }
  return createTelegramClient({ token: config.token, ...options })
}

/** The service that sends to and fetches from the configured chat. */
export async function openBackupService(config: Config, client?: TelegramClient): Promise<BackupService> {
  const { BackupService } = await import('telegram-deployment-bot')
  const telegramClient = client ?? (await openTelegram(config))
  return new BackupService({ telegramClient, defaultChatId: config.chatId })
}

/** An engine, and what closes its catalog. */
export interface OpenEngine extends Engine {
  close(): Promise<void>
}

/**
 * Opens all that operations work with: first what is wrong without a catalog, then the catalog. The caller
 * closes it.
 */
export async function openEngine(
  config: Config,
  options: {
    signal: AbortSignal
    connections?: number
    note?: (words: string) => void
    /** A bound for all uploads together; none if left out. */
    uploadBytesPerSecond?: number | undefined
  },
): Promise<OpenEngine> {
  const { signal, uploadBytesPerSecond, ...rest } = options
  const client = await openTelegram(config, { uploadBytesPerSecond })
  const [service, database] = await Promise.all([
    openBackupService(config, client),
    openCatalog(config, signal, rest),
  ])
  return { config, client, service, database, close: () => database.close() }
}

const START_ATTEMPTS = 5
/**
 * Unique violation, duplicate schema, table, function, object: of several that start at once on a new
 * catalog, one was faster in making pg-boss's schema, whose own lock comes too late for that. The next look
 * finds it made.
 */
const MADE_MEANWHILE: ReadonlySet<string> = new Set(['23505', '42P06', '42P07', '42723', '42710'])

/**
 * The queue of jobs in the catalog's own PostgreSQL; made there if need be. The caller stops it before the
 * catalog is closed. Throws `CONFIGURATION` where its schema belongs to somebody else.
 * @param options.tends whether it also clears away what pg-boss no longer needs: for a service, not for one
 * command
 */
export async function openJobQueue(
  database: Database,
  options: { log?: Logger; tends: boolean },
): Promise<PgBossQueue> {
  const { PgBoss } = await import('pg-boss')
  const { bossDatabase, PgBossQueue } = await import('#jobs/pg-boss-queue.ts')
  const { closeQueueSchema, makeQueueSchema, sqlRunner } = await import('@telegram-backup/database')
  const { isNew } = await makeQueueSchema(database).catch((error: Error) => {
    // A refusal of ours has no cause.
    throw error.cause === undefined ? error : unopened(error)
  })
  const make = () => {
    const boss = new PgBoss({
      db: bossDatabase(sqlRunner(database)),
      schema: 'pgboss',
      // Schedules are ours, and so are metrics; what is left looks into the catalog a few times a minute.
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
    boss.on('error', error =>
      options.log?.warn({ error }, 'the queue could not be tended; it is tried again'),
    )
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
    hint: 'The catalog’s user needs to be allowed to create the schema "pgboss" once.',
    cause,
  })
}
