import type { Database } from '@telegram-backup/database'
import type { RunProgress } from '@telegram-backup/vault/session/session.ts'
import type { BackupService, TelegramClient } from 'telegram-deployment-bot'
import type { Config } from '#environment.ts'

export type { RunProgress }

/** What operations work with. `wiring.ts` opens it; the caller closes it. */
export interface Engine {
  readonly config: Config
  readonly database: Database
  readonly client: TelegramClient
  readonly service: BackupService
}

/** How the caller of a run over many things follows how far it is. */
export interface RunWatching extends Watching {
  /** Must not throw. */
  onProgress?: ((progress: RunProgress) => void) | undefined
}

/** How the caller of an operation follows and ends it. */
export interface Watching {
  readonly signal: AbortSignal
  /** Gets single lines that a person should read. */
  note(line: string): void
}
