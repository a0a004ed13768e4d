import type { Readable } from 'node:stream'
import type { Backup, Database } from '@telegram-backup/database'
import type {
  BackupMetadata,
  BackupSendResult,
  BackupType,
  PartLedger,
  SendBackupOptions,
  SendProgress,
} from 'telegram-deployment-bot'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import { recordSentBackup } from '#lib/backups/backup-record.ts'
import { createCatalogLedger } from '#lib/backups/catalog-ledger.ts'
import { defaultCatalog } from '#lib/backups/default-catalog.ts'

/**
 * All that this integration asks of a telegram service. A service that uses the `ledger` has every message written
 * down before it is sent; one that ignores it is recorded by its answer alone.
 */
export interface IBackupService {
  sendBackup(options: SendBackupOptions): Promise<BackupSendResult>
}

/** What is sent, and how it is recorded. */
export interface IntegratedBackupOptions {
  /** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}` without `..`. */
  projectId: string
  type: BackupType
  /** A path, a Buffer or a Readable. */
  file: string | Uint8Array | Readable
  filename?: string
  /** Cut to fit Telegram's 1024 characters. */
  caption?: string
  /** Default: the service's own. */
  chatId?: string
  /** Default: 30 days after creation. */
  expires_at?: Date
  signal?: AbortSignal
  onProgress?: (progress: SendProgress) => void
}

/** Which of the two sides has the backup. */
export interface IntegratedBackupDetails {
  telegramSuccess: boolean
  databaseSuccess: boolean
  telegramError?: string
  databaseError?: string
  /** Messages of a failed send that may still be in the chat; `backup_parts` names them. */
  leftInChat?: number
}

export interface IntegratedBackupResult {
  success: boolean
  telegramMetadata?: BackupMetadata
  databaseRecord?: Backup
  /** Begins with `Failed to send backup to Telegram` or `Failed to record backup in database`. */
  error?: string
  /** For programs, and what to do next; set with `error`. */
  code?: string
  hint?: string
  details: IntegratedBackupDetails
}

/** Sends backups to Telegram and records them in the catalog, so that the two cannot disagree. */
export class BackupTelegramIntegration {
  readonly #telegramService: IBackupService
  readonly #database: Database | undefined

  /** @param options.database an open catalog; without one, DATABASE_URL's or the embedded one is opened at first use. */
  constructor(telegramService: IBackupService, options: { database?: Database } = {}) {
    this.#telegramService = telegramService
    this.#database = options.database
  }

  /**
   * Sends one backup and records it. Resolves, also on failure: `details` says which side has it. A backup that is whole
   * in Telegram when the catalog fails stays there, and its messages stay known.
   */
  async sendAndRecord(options: IntegratedBackupOptions): Promise<IntegratedBackupResult> {
    let database: Database
    try {
      database = await this.#catalog()
    } catch (error) {
      return databaseFailure(error)
    }
    const ledger = createCatalogLedger(database)
    const sent = await this.#send(options, ledger)
    if (!sent.success || !sent.metadata) {
      // The catalog stopped the run: then it is to blame, and what was sent has been taken back.
      return ledger.failure === undefined ? telegramFailure(sent) : databaseFailure(ledger.failure, { sent })
    }
    const { metadata } = sent
    try {
      const databaseRecord = await recordSentBackup(database, {
        metadata,
        // A catalog that failed in between may lack a message; then all are looked at once more.
        ledgerBackupId: ledger.failure === undefined ? ledger.backupId : undefined,
        expiresAt: options.expires_at,
      })
      return {
        success: true,
        telegramMetadata: metadata,
        databaseRecord,
        details: { telegramSuccess: true, databaseSuccess: true },
      }
    } catch (error) {
      return databaseFailure(error, { metadata })
    }
  }

  /** In order, one at a time: Telegram paces a chat. One failure does not stop the next. */
  async sendAndRecordMultiple(
    backups: readonly IntegratedBackupOptions[],
  ): Promise<IntegratedBackupResult[]> {
    const results: IntegratedBackupResult[] = []
    for (const backup of backups) results.push(await this.sendAndRecord(backup))
    return results
  }

  /** Sends without recording: the answer is then the only place that knows the messages. */
  sendToTelegramOnly(options: Omit<IntegratedBackupOptions, 'expires_at'>): Promise<BackupSendResult> {
    return this.#send(options, undefined)
  }

  /** Records a backup that is already in Telegram. Throws a `BackupError` when it cannot. */
  async recordInDatabaseOnly(metadata: BackupMetadata, expiresAt?: Date): Promise<Backup> {
    try {
      return await recordSentBackup(await this.#catalog(), { metadata, ledgerBackupId: undefined, expiresAt })
    } catch (error) {
      const { message, ...details } = describeError(error)
      throw new BackupError(`Failed to record backup in database: ${message}`, { ...details, cause: error })
    }
  }

  async #send(options: IntegratedBackupOptions, ledger: PartLedger | undefined): Promise<BackupSendResult> {
    try {
      const { expires_at, ...rest } = options
      return await this.#telegramService.sendBackup({ ...rest, expiresAt: asDate(expires_at), ledger })
    } catch (error) {
      return { success: false, error: describeError(error).message, cause: error }
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

function asDate(expiresAt: unknown): Date | undefined {
  if (expiresAt === undefined || expiresAt === null) return undefined
  const date = new Date(expiresAt as Date)
  if (!Number.isNaN(date.getTime())) return date
  throw new BackupError('expires_at is not a valid date', { code: 'INVALID' })
}

function telegramFailure(sent: BackupSendResult): IntegratedBackupResult {
  const { code, hint } = describeError(sent.cause)
  const telegramError = sent.error ?? 'the service gave no reason'
  return {
    success: false,
    error: `Failed to send backup to Telegram: ${telegramError}`,
    code: sent.cause === undefined ? 'TELEGRAM' : code,
    ...(hint === undefined ? {} : { hint }),
    details: { telegramSuccess: false, databaseSuccess: false, telegramError, ...leftIn(sent) },
  }
}

/** What the catalog failed of, with the backup if it is whole in the chat, else with what became of the send. */
function databaseFailure(
  error: unknown,
  of: { metadata?: BackupMetadata; sent?: BackupSendResult } = {},
): IntegratedBackupResult {
  const { message, code, hint } = describeError(error)
  const { metadata, sent } = of
  return {
    success: false,
    ...(metadata ? { telegramMetadata: metadata } : {}),
    error: `Failed to record backup in database: ${message}`,
    code,
    ...(hint === undefined ? {} : { hint }),
    details: {
      telegramSuccess: metadata !== undefined,
      databaseSuccess: false,
      databaseError: message,
      ...(sent?.error === undefined ? {} : { telegramError: sent.error }),
      ...leftIn(sent),
    },
  }
}

function leftIn(sent: BackupSendResult | undefined): { leftInChat?: number } {
  return sent?.leftInChat ? { leftInChat: sent.leftInChat } : {}
}
