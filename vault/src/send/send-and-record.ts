import { type BackupOrigin, CatalogError, type Database } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import {
  assertProjectId,
  assertType,
  type BackupMetadata,
  type BackupSendResult,
  type BackupSource,
  type BackupType,
  type GivenFile,
  type PartLedger,
  type ResumedSend,
  type SendBackupOptions,
  type SendProgress,
  type VaultLedger,
} from 'telegram-deployment-bot'
import { CatalogLedger } from '#ledger/catalog-ledger.ts'
import {
  databaseFailure,
  type IntegratedBackupDetails,
  type IntegratedBackupResult,
  telegramFailure,
} from '#send/integrated-result.ts'
import { recordSentBackup } from '#send/record-backup.ts'

/**
 * What a send needs of a telegram service. With a service that uses the `ledger` every message is recorded
 * before it is sent; otherwise only the answer is recorded.
 */
export interface IBackupService {
  sendBackup(options: SendBackupOptions): Promise<BackupSendResult>
  /** Brings the index of the chat up to date; called after each recorded backup. */
  refreshIndex?(options: { chatId: string; vault: VaultLedger }): Promise<unknown>
}

type IndexDetails = Pick<IntegratedBackupDetails, 'indexUpToDate' | 'indexError' | 'replica'>

export interface IntegratedBackupOptions {
  /** `[A-Za-z0-9][A-Za-z0-9._-]{0,63}` without `..`. */
  projectId: string
  type: BackupType
  /** A path, a Buffer, a Readable, or an open source, which is closed in any case. */
  file: GivenFile
  filename?: string | undefined
  /** Cut to fit Telegram's 1024 characters. */
  caption?: string | undefined
  /** Default: the service's own. */
  chatId?: string | undefined
  /** Default: 30 days after creation. */
  expires_at?: Date | undefined
  signal?: AbortSignal | undefined
  onProgress?: (progress: SendProgress) => void
  /** Resumes an abandoned backup; `file` is the path of the same file, unchanged. */
  resume?: ResumedSend | undefined
  /** The source, schedule and job, for the record. */
  origin?: BackupOrigin | undefined
  /** Removes from a failure what readers of the catalog may not see; the result keeps it. */
  redactFailure?: ((failure: unknown) => unknown) | undefined
}

/**
 * Sends one backup and records it. Resolves also on failure: `details` says which side has it. A backup that
 * is whole in Telegram when the catalog fails stays there, and its messages stay recorded.
 */
export async function sendAndRecord(
  { database, service }: { database: Database; service: IBackupService },
  options: IntegratedBackupOptions,
): Promise<IntegratedBackupResult> {
  const ledger = new CatalogLedger(database, options)
  try {
    const sent = await sendUnrecorded(service, options, ledger)
    if (!sent.success || !sent.metadata) {
      // A failure of the catalog stopped the run, and all that was sent was erased.
      const failure = ledger.failure ?? (isOfCatalog(sent.cause) ? sent.cause : undefined)
      return failure === undefined ? telegramFailure(sent) : databaseFailure(failure, { sent })
    }
    return await record({ database, service, sent, metadata: sent.metadata, ledger, options })
  } finally {
    await ledger.release()
  }
}

/** Sends; with a ledger, every message is recorded before it is sent. Resolves also on failure. */
export async function sendUnrecorded(
  service: IBackupService,
  options: IntegratedBackupOptions,
  ledger?: PartLedger,
): Promise<BackupSendResult> {
  try {
    if (typeof options !== 'object' || options === null) {
      throw new BackupError('No options were given', { code: 'INVALID' })
    }
    const { expires_at, origin, redactFailure: _redactFailure, ...rest } = options
    // A custom service may not check them.
    assertProjectId(rest.projectId)
    assertType(rest.type)
    const labels = { sourceName: origin?.sourceName, tags: origin?.tags }
    const sent = await service.sendBackup({ ...rest, labels, expiresAt: asDate(expires_at), ledger })
    return sent ?? { success: false, error: 'the service gave no answer' }
  } catch (error) {
    await closeSource(options?.file)
    return { success: false, error: describeError(error).message, cause: error }
  }
}

async function record(of: {
  database: Database
  service: IBackupService
  sent: BackupSendResult
  metadata: BackupMetadata
  ledger: CatalogLedger
  options: IntegratedBackupOptions
}): Promise<IntegratedBackupResult> {
  const { database, service, sent, metadata, ledger } = of
  try {
    const databaseRecord = await recordSentBackup(database, {
      metadata,
      // A catalog that failed meanwhile may lack a message; then all are checked again.
      ledgerBackupId: ledger.failure === undefined ? ledger.backupId : undefined,
      leaseToken: ledger.leaseToken,
      expiresAt: of.options.expires_at,
    })
    return {
      success: true,
      telegramMetadata: metadata,
      databaseRecord,
      details: {
        telegramSuccess: true,
        databaseSuccess: true,
        ...(await refreshIndexes(service, sent, ledger.vault)),
      },
    }
  } catch (error) {
    return databaseFailure(error, { metadata })
  }
}

/**
 * Brings the index of each chat up to date. A failure goes into the details: the backup is safe all the same.
 */
async function refreshIndexes(
  service: IBackupService,
  { metadata, replica }: BackupSendResult,
  vault: VaultLedger,
): Promise<IndexDetails> {
  const refresh = async (chatId: string | undefined): Promise<IndexDetails> => {
    if (chatId === undefined || !service.refreshIndex) return {}
    try {
      await service.refreshIndex({ chatId, vault })
      return { indexUpToDate: true }
    } catch (error) {
      return { indexUpToDate: false, indexError: describeError(error).message }
    }
  }
  const main = await refresh(metadata?.chatId)
  if (!replica) return main
  if (!replica.isWhole) return { ...main, replica }
  const { indexUpToDate, indexError: error = replica.error } = await refresh(replica.chatId)
  return { ...main, replica: { ...replica, indexUpToDate, error } }
}

/**
 * Whether the catalog failed a send. BUSY is no failure of the catalog: other processes kept the lock of the
 * index too long, because they waited for the chat.
 */
function isOfCatalog(cause: unknown): boolean {
  return cause instanceof CatalogError && cause.code !== 'BUSY'
}

/** Closes a source that no service has taken: a dump must not go on. */
export async function closeSource(file: unknown): Promise<void> {
  if (typeof file === 'object' && file !== null && 'archiveSource' in file) {
    await (file as BackupSource).close().catch(() => {})
  }
}

function asDate(expiresAt: unknown): Date | undefined {
  if (expiresAt === undefined || expiresAt === null) return undefined
  const date = new Date(expiresAt as Date)
  if (!Number.isNaN(date.getTime())) return date
  throw new BackupError('expires_at is not a valid date', { code: 'INVALID' })
}
