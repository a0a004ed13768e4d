import { ageFileSizeBytes, startAgeFile } from '#age-file.ts'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import type { ArchiveRun } from '#archive-run.ts'
import { checkedRecipients, type Encryption } from '#encryption.ts'
import type { EarlierPart, PartSealed, PartToSeal } from '#threads/sealer.ts'
import type { Thread } from '#threads/thread.ts'

/**
 * Encrypts and hashes parts in a thread: the garbage of node:crypto would pile up in the main thread, by tens
 * of megabytes, and take time from sending.
 */
export class PartSealer {
  readonly #run: ArchiveRun
  readonly #thread: Thread
  readonly #recipients: readonly string[]
  #onAnswer: (sealed: PartSealed | undefined) => void = () => undefined

  /**
   * Loads the age library, which is slow: start the other threads first.
   * @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a malformed recipient)
   */
  constructor(run: ArchiveRun, encryption: Encryption) {
    this.#run = run
    this.#thread = run.start<PartSealed | undefined>({
      module: '#threads/sealer.ts',
      task: undefined,
      onMessage: sealed => this.#onAnswer(sealed),
      onFailure: error => run.fail(toArchiveError(error, 'INTEGRITY', 'Encrypting failed')),
    })
    this.#recipients = checkedRecipients(encryption)
  }

  /** Seals a part in its memory, one at a time. @throws the failure of the run */
  async seal(part: Omit<PartToSeal, 'file'>): Promise<PartSealed> {
    const file = this.#recipients.length > 0 && (await startAgeFile(this.#recipients))
    const sealed = await this.#ask({ ...part, ...(file && { file }) })
    if (!sealed) throw new ArchiveError('The sealer gave no part', { code: 'INTEGRITY' })
    return sealed
  }

  /** Adds an earlier part, as sent, to the hash of a resumed archive. */
  async hashEarlier(bytes: Uint8Array): Promise<void> {
    await this.#ask({ earlier: bytes })
  }

  #ask(message: PartToSeal | EarlierPart): Promise<PartSealed | undefined> {
    const answer = new Promise<PartSealed | undefined>(resolve => {
      this.#onAnswer = resolve
    })
    this.#thread.post(message)
    return Promise.race([answer, this.#run.failed()])
  }
}

/** Most bytes by which sealing makes a part grow; 0 recipients mean no encryption. */
export function sealingGrowthBytes(partSizeBytes: number, recipientCount: number): number {
  return recipientCount === 0 ? 0 : ageFileSizeBytes(partSizeBytes, recipientCount) - partSizeBytes
}
