import type { Database } from '@telegram-backup/database'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { Config } from '#config.ts'
import { BackupError } from '#lib/backups/backup-error.ts'

// The packages are loaded when they are needed: `list` wants no chat and no archive, and answers sooner without them.

/** Opens the catalog that the configuration names and brings its schema up to date. The caller closes it. */
export async function openCatalog(config: Config, signal?: AbortSignal): Promise<Database> {
  const { migrate, openDatabase } = await import('@telegram-backup/database')
  const where =
    config.databaseUrl === undefined ? { dataDir: config.stateFolder } : { url: config.databaseUrl }
  const database = await openDatabase({ ...where, ...(signal ? { signal } : {}) })
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
 */
export async function openTelegram(
  config: Config,
  options: { uploadBytesPerSecond?: number } = {},
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
