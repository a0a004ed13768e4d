import { fdatasync, fstatSync } from 'node:fs'

/** So much is left to the system to write when it likes. */
const STEP_BYTES = 64 * 1024 * 1024

/** Has what was written to a file put onto the disk while the rest is being made, one request at a time. */
export class EarlySync {
  readonly #fd: number
  readonly #isFile: boolean
  readonly #onFailure: (error: Error) => void
  #asked = 0
  #running: Promise<void> | undefined

  /** @param onFailure must not be missed: Linux tells a failed write once only, not again to the next who syncs */
  constructor(fd: number, onFailure: (error: Error) => void) {
    this.#fd = fd
    this.#isFile = fstatSync(fd).isFile()
    this.#onFailure = onFailure
  }

  /** @param totalBytes written so far */
  written(totalBytes: number): void {
    if (!this.#isFile || this.#running || totalBytes - this.#asked < STEP_BYTES) return
    this.#asked = totalBytes
    this.#running = new Promise(resolve => {
      fdatasync(this.#fd, error => {
        this.#running = undefined
        if (error) this.#onFailure(error)
        resolve()
      })
    })
  }

  /** Resolves when nothing uses the descriptor any more. */
  async settled(): Promise<void> {
    await this.#running
  }
}
