import type { Database } from '@telegram-backup/database'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { LiveConfigFile } from '#config/live-config-file.ts'
import type { Config } from '#environment.ts'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import type { Logger } from '#logging.ts'

export interface ServiceContext {
  config: Config
  configFile: LiveConfigFile
  database: Database
  /** The same catalog with other connections, for the HTTP API: its requests never hold up a backup. */
  serving: Database
  client: TelegramClient
  service: BackupService
  queue: PgBossQueue
  log: Logger
}
