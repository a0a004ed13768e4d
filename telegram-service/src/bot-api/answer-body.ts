import type { Hash } from 'node:crypto'
import { freeNow } from '#bot-api/transient-memory.ts'

/** How an answer's bytes are taken in. */
export interface AnswerReception {
  /** A longer answer is refused. */
  maxBytes: number
  /** Memory for the bytes; used when the server tells a length beforehand that fits. */
  into?: Buffer | undefined
  /** Fed with the bytes as they come, while they are still in the processor's cache. */
  hash?: Hash | undefined
}

/** What comes in, at most so much. Where the length is told beforehand, a file's bytes are not held twice. */
export class AnswerBody {
  readonly #reception: AnswerReception
  readonly #whole: Buffer | undefined
  readonly #chunks: Buffer[] = []
  #received = 0

  /** @param length what the server says; anything but a whole number up to `maxBytes` is not relied on */
  constructor(length: number, reception: AnswerReception) {
    const { maxBytes, into } = reception
    this.#reception = reception
    if (!Number.isSafeInteger(length) || length <= 0 || length > maxBytes) return
    this.#whole = into && into.length >= length ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length)
  }

  /** False when it is more than may come. The chunk is not to be used afterwards. */
  add(chunk: Buffer): boolean {
    const { maxBytes, hash } = this.#reception
    const end = this.#received + chunk.length
    if (end > Math.min(maxBytes, this.#whole?.length ?? maxBytes)) return false
    hash?.update(chunk)
    if (this.#whole) {
      this.#whole.set(chunk, this.#received)
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
