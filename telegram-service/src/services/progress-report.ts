import type { CallWait } from '#bot-api/call-policy.ts'
import type { SendProgress } from '#services/backup-metadata.ts'
import type { BackupSource } from '#services/backup-source.ts'

/** Reports the progress of a send. */
export class ProgressReport {
  readonly #progress: SendProgress
  readonly #tell: (progress: SendProgress) => void
  /** Bytes of the packed parts, before and after packing. */
  readonly #packed = { plain: 0, sealed: 0 }

  /** @param onFailure gets errors of the observer, which would end the process in an event */
  constructor(options: {
    source: BackupSource
    onProgress: ((progress: SendProgress) => void) | undefined
    onFailure: (error: unknown) => void
  }) {
    const { source, onProgress, onFailure } = options
    this.#progress = {
      plainBytesRead: 0,
      plainBytesTotal: source.sizeBytes,
      plainBytesEstimated: source.estimatedBytes,
      plainBytesOut: 0,
      bytesOut: 0,
      partsSent: 0,
    }
    this.#tell = progress => {
      try {
        onProgress?.(progress)
      } catch (error) {
        onFailure(error)
      }
    }
  }

  read(plainBytesRead: number): void {
    this.#report({ plainBytesRead })
  }

  packed(plainBytes: number, sealedBytes: number): void {
    this.#packed.plain += plainBytes
    this.#packed.sealed += sealedBytes
  }

  out(bytesOut: number): void {
    this.#report({ bytesOut, plainBytesOut: this.#plainOf(bytesOut) })
  }

  sent(partsSent: number): void {
    this.#report({ partsSent })
  }

  waiting(wait: CallWait): void {
    this.#tell({ ...this.#progress, wait })
  }

  /** Estimated plain bytes in the first `bytesOut` of the archive. */
  #plainOf(bytesOut: number): number {
    const share = Math.min(1, bytesOut / Math.max(1, this.#packed.sealed))
    return Math.max(this.#progress.plainBytesOut, Math.round(share * this.#packed.plain))
  }

  #report(change: Partial<SendProgress>): void {
    Object.assign(this.#progress, change)
    this.#tell({ ...this.#progress })
  }
}
