import {
  type BackupOrigin,
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

/** A ledger that writes to the catalog, and remembers the first failure of the catalog. */
export interface CatalogLedger extends PartLedger {
  readonly vault: VaultLedger
  /** The backup's id once the catalog has its row. */
  readonly backupId: string | undefined
  /** Token of the lease of this run. Every write for the run needs it. */
  readonly leaseToken: string | undefined
  /** The first failure of the catalog, if there was one. */
  readonly failure: unknown
  /** Gives the lease back, so that the next run need not wait for its end. Never throws. */
  release(): Promise<void>
}

/** What is recorded of a run besides its messages. */
export interface LedgerOptions {
  /** Where the backup comes from. */
  origin?: BackupOrigin | undefined
  /** Removes from a failure what readers of the catalog may not see, such as the place of a source. */
  redactFailure?: ((failure: unknown) => unknown) | undefined
}

/**
 * Records in `control_plane.backups` and `backup_parts` what a send intends, what is proven, and its source.
 */
export function createCatalogLedger(database: Database, options: LedgerOptions = {}): CatalogLedger {
  return new LedgerOverCatalog(database, options)
}

/** Recorded instead of the message of an unexpected error, which may quote data. */
const UNFORESEEN = 'Something unforeseen ended it; whoever sent it was told what'

class LedgerOverCatalog implements CatalogLedger {
  readonly vault: VaultLedger
  readonly #database: Database
  readonly #options: LedgerOptions
  readonly #lost = new AbortController()
  #lease: Lease | undefined
  #backupId: string | undefined
  #failure: unknown

  constructor(database: Database, options: LedgerOptions) {
    this.#database = database
    this.#options = options
    this.vault = createCatalogVault(database)
  }

  get backupId(): string | undefined {
    return this.#backupId
  }

  get leaseToken(): string | undefined {
    return this.#lease?.token
  }

  get failure(): unknown {
    return this.#failure
  }

  get leaseLost(): AbortSignal {
    return this.#lost.signal
  }

  holdsLease(): boolean {
    return !this.#lost.signal.aborted && (this.#lease?.isHeld() ?? false)
  }

  async release(): Promise<void> {
    await this.#lease?.release()
  }

  async openBackup(intent: Parameters<PartLedger['openBackup']>[0]): Promise<LedgerContext> {
    const { project, expiresAt, caption, ...rest } = intent
    return this.#hold(intent.backupId, () =>
      openBackup(this.#database, {
        ...rest,
        projectId: project,
        origin: this.#options.origin,
        ...(expiresAt ? { expiresAt } : {}),
        ...(caption === undefined ? {} : { caption }),
      }),
    )
  }

  reopenBackup({ backupId }: { backupId: string }): Promise<LedgerContext> {
    return this.#hold(backupId, () => reopenBackup(this.#database, { backupId }))
  }

  async intendMessage(
    message: Parameters<PartLedger['intendMessage']>[0],
  ): ReturnType<PartLedger['intendMessage']> {
    return this.#note(() => intendPart(this.#database, { ...message, ...this.#underLease }))
  }

  async confirmMessage(proof: Parameters<PartLedger['confirmMessage']>[0]): Promise<void> {
    await this.#note(() => confirmPart(this.#database, { ...proof, ...this.#underLease }))
  }

  async sendRefused(sendId: string): Promise<void> {
    await closeSend(this.#database, sendId)
  }

  async manifestBelow(place: { chatId: string; messageId: number }): Promise<number | undefined> {
    return (await this.#note(() => manifestBelow(this.#database, place))) ?? undefined
  }

  async sealBackup(sealed: Parameters<PartLedger['sealBackup']>[0]): Promise<void> {
    await this.#note(() => sealBackup(this.#database, { ...sealed, ...this.#underLease }))
  }

  async unsealBackup({ backupId }: { backupId: string }): Promise<void> {
    await unsealBackup(this.#database, { backupId, ...this.#underLease })
  }

  async messageErased(key: MessageKey): Promise<void> {
    await markPart(this.#database, { ...key, ...this.#underLease, state: 'erased' })
  }

  async failBackup({ backupId, cause, leftover }: Parameters<PartLedger['failBackup']>[0]): Promise<void> {
    const { redactFailure = (failure: unknown) => failure } = this.#options
    const { code, message } = redactError(redactFailure(cause))
    const reason = code === 'UNEXPECTED' ? UNFORESEEN : message
    await failBackup(this.#database, { backupId, error: reason + leftover, ...this.#underLease })
  }

  async #hold(backupId: string, open: () => Promise<OpenedBackup>): Promise<LedgerContext> {
    const { lease, ...context } = await this.#note(open)
    this.#backupId = backupId
    this.#lease = lease
    if (lease.signal.aborted) this.#lost.abort()
    else lease.signal.addEventListener('abort', () => this.#lost.abort(), { once: true })
    return context
  }

  get #underLease(): { leaseToken?: string } {
    return this.#lease ? { leaseToken: this.#lease.token } : {}
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
