import type { Database } from '@telegram-backup/database'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { Config } from '#environment.ts'

/** What operations work with. Whoever has opened it closes it. */
export interface Engine {
  readonly config: Config
  readonly database: Database
  readonly client: TelegramClient
  readonly service: BackupService
}

/** How whoever asks for an operation hears of it, and ends it. */
export interface Watching {
  readonly signal: AbortSignal
  /** Hears, a line at a time, what a person should know. */
  note(line: string): void
}
