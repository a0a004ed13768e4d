import type { Database } from '@telegram-backup/database'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { LiveConfigFile } from '#config/live-config-file.ts'
import type { Config } from '#environment.ts'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import type { Logger } from '#logging.ts'

/** What every part of the service works with. */
export interface ServiceContext {
  config: Config
  configFile: LiveConfigFile
  database: Database
  /**
   * The same catalog for the HTTP API, by connections of its own: however many requests wait for those, no
   * backup does.
   */
  serving: Database
  client: TelegramClient
  service: BackupService
  /** Where jobs are handed in; `queue.deliver` for those who write a job in a transaction of their own. */
  queue: PgBossQueue
  log: Logger
}
