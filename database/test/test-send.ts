import { randomUUID } from 'node:crypto'
import {
  type Backup,
  type BegunSend,
  type Completion,
  completeBackup,
  confirmPart,
  type Database,
  intendPart,
  type Lease,
  type OpenedBackup,
  openBackup,
  type PartIntent,
  type PartKey,
} from '#index.ts'

/** The chat of every TestSend. */
export const CHAT = '-100123'

/** 64 hex digits that look like a SHA-256. */
export const hash = (digit: string): string => digit.repeat(64)

/**
 * A send in three parts of 10 bytes, step by step. Part number 0 is the manifest; message ids are 500 +
 * number.
 */
export class TestSend {
  readonly backupId: string = randomUUID()
  readonly #database: Database
  #lease: Lease | undefined

  constructor(database: Database) {
    this.#database = database
  }

  async begin(chatId: string = CHAT): Promise<Omit<OpenedBackup, 'lease'>> {
    const { lease, ...opened } = await openBackup(this.#database, {
      backupId: this.backupId,
      projectId: 'shop',
      type: 'database',
      filename: 'shop.sql',
      chatId,
      botId: '42',
      encrypted: true,
      source: { server: '15.2' },
    })
    this.#lease = lease
    return opened
  }

  /** Of the running send. */
  get lease(): Lease {
    if (!this.#lease) throw new Error('the send has not begun')
    return this.#lease
  }

  key(partNumber: number, chatId: string = CHAT): PartKey {
    return { backupId: this.backupId, chatId, kind: partNumber === 0 ? 'manifest' : 'part', partNumber }
  }

  async intend(partNumber: number, more: Partial<PartIntent> = {}): Promise<BegunSend> {
    const file = { fileName: `f${partNumber}`, sizeBytes: 10, sha256: hash('c') }
    return await intendPart(this.#database, {
      ...this.key(partNumber),
      ...file,
      leaseToken: this.token,
      ...more,
    })
  }

  async confirm(
    partNumber: number,
    messageId: number = 500 + partNumber,
    chatId: string = CHAT,
    sendId?: string,
    leaseToken: string | undefined = this.token,
  ): Promise<void> {
    const message = { messageId, fileId: `id${partNumber}`, fileUniqueId: `u${partNumber}`, sendId }
    await confirmPart(this.#database, { ...this.key(partNumber, chatId), ...message, leaseToken })
  }

  async send(...partNumbers: number[]): Promise<void> {
    for (const partNumber of partNumbers) {
      await this.intend(partNumber)
      await this.confirm(partNumber)
    }
  }

  async complete(more: Partial<Completion> & { leaseToken?: string | undefined } = {}): Promise<Backup> {
    return await completeBackup(this.#database, {
      backupId: this.backupId,
      size: 300,
      archiveSize: 30,
      plainSha256: hash('a'),
      archiveSha256: hash('b'),
      partCount: 3,
      leaseToken: this.token,
      ...more,
    })
  }

  async completeSealed(): Promise<Backup> {
    return await completeBackup(this.#database, { backupId: this.backupId, leaseToken: this.token })
  }

  /** For writes in its name; none when its lease has ended. */
  get token(): string | undefined {
    return this.#lease?.isHeld() ? this.#lease.token : undefined
  }
}
