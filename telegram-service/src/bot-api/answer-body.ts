import type { Hash } from 'node:crypto'
import { freeNow } from '#bot-api/transient-memory.ts'

export interface AnswerReception {
  /** A longer answer is refused. */
  maxBytes: number
  /** Memory for the bytes; used when they fit by the length that the server announces. */
  into?: Buffer | undefined
  /** Gets the bytes as they come, while they are in the processor's cache. */
  hash?: Hash | undefined
}

/** The body of an answer. With an announced length, a file's bytes are not held twice. */
export class AnswerBody {
  readonly #reception: AnswerReception
  readonly #whole: Buffer | undefined
  readonly #chunks: Buffer[] = []
  #received = 0

  /** @param length the announced one; counts only as a whole number up to `maxBytes` */
  constructor(length: number, reception: AnswerReception) {
    const { maxBytes, into } = reception
    this.#reception = reception
    if (!Number.isSafeInteger(length) || length <= 0 || length > maxBytes) return
    this.#whole = into && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length)
  }

  /** False when it is too much. The chunk must not be used afterwards. */
  add(chunk: Buffer): boolean {
    const { maxBytes, hash } = this.#reception
    const end = this.#received + chunk.length
    if (end > Math.min(maxBytes, this.#whole?.length ?? maxBytes)) return false
    hash?.update(chunk)
    if (this.#whole) {
      // `set` takes ten times as long where the memory is shared.
      if (chunk.length > 0) this.#whole.fill(chunk, this.#received, end)
      freeNow(chunk)
    } else {
      this.#chunks.push(chunk)
    }
    this.#received = end
    return true
  }

  bytes(): Buffer {
    return this.#whole?.subarray(0, this.#received) ?? Buffer.concat(this.#chunks)
  }
}
