import type { Backup, Database } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import {
  databaseFailure,
  type IntegratedBackupResult,
} from '@telegram-backup/vault/send/integrated-result.ts'
import { recordSentBackup } from '@telegram-backup/vault/send/record-backup.ts'
import {
  closeSource,
  type IBackupService,
  type IntegratedBackupOptions,
  sendAndRecord,
  sendUnrecorded,
} from '@telegram-backup/vault/send/send-and-record.ts'
import type { BackupMetadata, BackupSendResult } from 'telegram-deployment-bot'
import { defaultCatalog } from '#lib/backups/default-catalog.ts'

export type { IBackupService, IntegratedBackupOptions }

/** Sends backups to Telegram and records them in the catalog, so that the two always agree. */
export class BackupTelegramIntegration {
  readonly #telegramService: IBackupService
  readonly #database: Database | undefined

  /**
   * @param options.database an open catalog; else the one of DATABASE_URL, or the embedded one, opened at
   * first use
   */
  constructor(telegramService: IBackupService, options: { database?: Database } = {}) {
    this.#telegramService = telegramService
    this.#database = options.database
  }

  /**
   * Sends one backup and records it. Never rejects: `details` says which side has the backup. If the catalog
   * fails after Telegram has everything, the backup stays there, and the catalog still knows its messages.
   */
  async sendAndRecord(options: IntegratedBackupOptions): Promise<IntegratedBackupResult> {
    let database: Database
    try {
      database = await this.#catalog()
    } catch (error) {
      await closeSource(options?.file)
      return databaseFailure(error)
    }
    return await sendAndRecord({ database, service: this.#telegramService }, options)
  }

  /**
   * Sends one after the other, because Telegram limits the messages of a chat. A failure does not stop the
   * next.
   */
  async sendAndRecordMultiple(
    backups: readonly IntegratedBackupOptions[],
  ): Promise<IntegratedBackupResult[]> {
    const results: IntegratedBackupResult[] = []
    for (const backup of backups) results.push(await this.sendAndRecord(backup))
    return results
  }

  /** Sends without recording: only the result knows the messages. */
  sendToTelegramOnly(options: Omit<IntegratedBackupOptions, 'expires_at'>): Promise<BackupSendResult> {
    return sendUnrecorded(this.#telegramService, options)
  }

  /** Records a backup that is already in Telegram. Throws a `BackupError`. */
  async recordInDatabaseOnly(metadata: BackupMetadata, expiresAt?: Date): Promise<Backup> {
    try {
      return await recordSentBackup(await this.#catalog(), { metadata, ledgerBackupId: undefined, expiresAt })
    } catch (error) {
      const { message, ...details } = describeError(error)
      throw new BackupError(`Failed to record backup in database: ${message}`, { ...details, cause: error })
    }
  }

  #catalog(): Promise<Database> {
    return this.#database ? Promise.resolve(this.#database) : defaultCatalog()
  }
}

/** The same as `new BackupTelegramIntegration(…)`. */
export function createBackupTelegramIntegration(
  telegramService: IBackupService,
  options: { database?: Database } = {},
): BackupTelegramIntegration {
  return new BackupTelegramIntegration(telegramService, options)
}
