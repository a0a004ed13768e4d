import { fdatasync, fstatSync } from 'node:fs'

/** Bytes that the system may keep unwritten. */
const STEP_BYTES = 64 * 1024 * 1024

/** Syncs a file to the disk while the rest is made, one request at a time. */
export class EarlySync {
  readonly #fd: number
  readonly #isFile: boolean
  readonly #onFailure: (error: Error) => void
  #asked = 0
  #running: Promise<void> | undefined

  /** @param onFailure must be heeded: Linux reports a failed write only once */
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

  /** Resolves when the descriptor is not used any more. */
  async settled(): Promise<void> {
    await this.#running
  }
}
