import { ageFileSizeBytes, startAgeFile } from '#age-file.ts'
import { toArchiveError } from '#archive-error.ts'
import type { ArchiveRun } from '#archive-run.ts'
import { checkedRecipients, type Encryption } from '#encryption.ts'
import type { PartSealed, PartToSeal } from '#threads/sealer.ts'
import type { Thread } from '#threads/thread.ts'

/**
 * Encrypts and hashes parts in a thread of its own. What node:crypto leaves to the garbage collector for each chunk
 * would otherwise pile up in the main thread, by tens of megabytes, and take the time that sending needs.
 */
export class PartSealer {
  readonly #run: ArchiveRun
  readonly #thread: Thread
  readonly #recipients: readonly string[]
  #onSealed: (sealed: PartSealed) => void = () => undefined

  /**
   * Loads the age library, which takes its time: to be made when the other threads are already at work.
   * @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a malformed recipient)
   */
  constructor(run: ArchiveRun, encryption: Encryption) {
    this.#run = run
    this.#thread = run.start<PartSealed>({
      module: '#threads/sealer.ts',
      task: undefined,
      onMessage: sealed => this.#onSealed(sealed),
      onFailure: error => run.fail(toArchiveError(error, 'INTEGRITY', 'Encrypting failed')),
    })
    this.#recipients = checkedRecipients(encryption)
  }

  /** Seals a part within its memory; one part at a time. @throws what the run failed of */
  async seal(part: Omit<PartToSeal, 'file'>): Promise<PartSealed> {
    const file = this.#recipients.length > 0 && (await startAgeFile(this.#recipients))
    const sealed = new Promise<PartSealed>(resolve => {
      this.#onSealed = resolve
    })
    this.#thread.post({ ...part, ...(file && { file }) } satisfies PartToSeal)
    return Promise.race([sealed, this.#run.failed()])
  }
}

/** By how many bytes a part of that size, at most, grows when it is sealed for so many recipients; 0 stands for none. */
export function sealingGrowthBytes(partSizeBytes: number, recipientCount: number): number {
  return recipientCount === 0 ? 0 : ageFileSizeBytes(partSizeBytes, recipientCount) - partSizeBytes
}
