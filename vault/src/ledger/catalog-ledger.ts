import {
  type BackupOrigin,
  type BegunSend,
  CatalogError,
  closeSend,
  confirmPart,
  type Database,
  failBackup,
  intendPart,
  type Lease,
  manifestBelow,
  markPart,
  type OpenedBackup,
  openBackup,
  reopenBackup,
  sealBackup,
  unsealBackup,
} from '@telegram-backup/database'
import { redactError } from '@telegram-backup/errors'
import type { LedgerContext, MessageKey, PartLedger, VaultLedger } from 'telegram-deployment-bot'
import { createCatalogVault } from '#ledger/catalog-vault.ts'

interface LedgerOptions {
  /** Where the backup comes from. */
  origin?: BackupOrigin | undefined
  /** Removes from a failure what readers of the catalog may not see, such as the place of a source. */
  redactFailure?: ((failure: unknown) => unknown) | undefined
}

/** Recorded instead of the message of an unexpected error, which may quote data. */
const UNEXPECTED = 'It ended for an unexpected reason; the process that sent it reported the error'

/**
 * Records in `control_plane.backups` and `backup_parts` what a send intends and what is proven, and remembers
 * the first failure of the catalog.
 */
export class CatalogLedger implements PartLedger {
  readonly vault: VaultLedger
  readonly #database: Database
  readonly #options: LedgerOptions
  readonly #lost = new AbortController()
  #lease: Lease | undefined
  #backupId: string | undefined
  #failure: unknown

  constructor(database: Database, options: LedgerOptions = {}) {
    this.#database = database
    this.#options = options
    this.vault = createCatalogVault(database)
  }

  /** The backup's id once the catalog has its row. */
  get backupId(): string | undefined {
    return this.#backupId
  }

  /** Every write for the run needs it. */
  get leaseToken(): string | undefined {
    return this.#lease?.token
  }

  /** The first failure of the catalog, if there was one. */
  get failure(): unknown {
    return this.#failure
  }

  get leaseLost(): AbortSignal {
    return this.#lost.signal
  }

  holdsLease(): boolean {
    return !this.#lost.signal.aborted && (this.#lease?.isHeld() ?? false)
  }

  /** Releases the lease, so that the next run need not wait for its end. Never throws. */
  async release(): Promise<void> {
    await this.#lease?.release()
  }

  async openBackup(intent: Parameters<PartLedger['openBackup']>[0]): Promise<LedgerContext> {
    const { project: projectId, ...rest } = intent
    const { origin } = this.#options
    return this.#hold(intent.backupId, () => openBackup(this.#database, { ...rest, projectId, origin }))
  }

  reopenBackup({ backupId }: { backupId: string }): Promise<LedgerContext> {
    return this.#hold(backupId, () => reopenBackup(this.#database, { backupId }))
  }

  async intendMessage(message: Parameters<PartLedger['intendMessage']>[0]): Promise<BegunSend> {
    return this.#note(() => intendPart(this.#database, { ...message, leaseToken: this.leaseToken }))
  }

  async confirmMessage(proof: Parameters<PartLedger['confirmMessage']>[0]): Promise<void> {
    await this.#note(() => confirmPart(this.#database, { ...proof, leaseToken: this.leaseToken }))
  }

  async sendRefused(sendId: string): Promise<void> {
    await closeSend(this.#database, sendId)
  }

  async manifestBelow(place: { chatId: string; messageId: number }): Promise<number | undefined> {
    return (await this.#note(() => manifestBelow(this.#database, place))) ?? undefined
  }

  async sealBackup(sealed: Parameters<PartLedger['sealBackup']>[0]): Promise<void> {
    await this.#note(() => sealBackup(this.#database, { ...sealed, leaseToken: this.leaseToken }))
  }

  async unsealBackup({ backupId }: { backupId: string }): Promise<void> {
    await unsealBackup(this.#database, { backupId, leaseToken: this.leaseToken })
  }

  async messageErased(key: MessageKey): Promise<void> {
    await markPart(this.#database, { ...key, leaseToken: this.leaseToken, state: 'erased' })
  }

  async failBackup({ backupId, cause, leftover }: Parameters<PartLedger['failBackup']>[0]): Promise<void> {
    const { redactFailure } = this.#options
    const { code, message } = redactError(redactFailure ? redactFailure(cause) : cause)
    const reason = code === 'UNEXPECTED' ? UNEXPECTED : message
    await failBackup(this.#database, { backupId, error: reason + leftover, leaseToken: this.leaseToken })
  }

  async #hold(backupId: string, open: () => Promise<OpenedBackup>): Promise<LedgerContext> {
    const { lease, ...context } = await this.#note(open)
    this.#backupId = backupId
    this.#lease = lease
    if (lease.signal.aborted) this.#lost.abort()
    else lease.signal.addEventListener('abort', () => this.#lost.abort(), { once: true })
    return context
  }

  async #note<Result>(write: () => Promise<Result>): Promise<Result> {
    try {
      return await write()
    } catch (error) {
      this.#failure ??= error
      if (error instanceof CatalogError && error.code === 'LEASE_LOST') this.#lost.abort()
      throw error
    }
  }
}
