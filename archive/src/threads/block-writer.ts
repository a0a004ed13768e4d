import { createHash } from 'node:crypto'
import type { BlockRing } from '#threads/block-ring.ts'

/**
 * Fills the blocks of a ring from pieces of any length, each block to its end, and hashes the bytes on the way: here
 * and not in the compressor, which is the busiest of the threads.
 */
export class BlockWriter {
  readonly #ring: BlockRing
  readonly #hash = createHash('sha256')
  #block: Uint8Array | undefined
  #used = 0

  constructor(ring: BlockRing) {
    this.#ring = ring
  }

  /** Worker thread: what is free in the current block, one byte at least. Blocks the thread until there is room. */
  waitForRoom(): Uint8Array {
    this.#block ??= this.#ring.waitForSpace()
    return this.#block.subarray(this.#used)
  }

  /** Main thread: as {@link waitForRoom}. `check` runs before each wait and may throw to end it. */
  async roomAvailable(check: () => void): Promise<Uint8Array> {
    this.#block ??= await this.#ring.spaceAvailable(check)
    return this.#block.subarray(this.#used)
  }

  /** Says that so many bytes were written into the room. */
  advance(length: number): void {
    const block = this.#block
    if (!block || length > block.length - this.#used) throw new RangeError('more bytes than there was room')
    this.#hash.update(block.subarray(this.#used, this.#used + length))
    this.#used += length
    if (this.#used === block.length) this.#handOver()
  }

  /** Bytes that come before the first block, and are only hashed. */
  pass(bytes: Uint8Array): void {
    this.#hash.update(bytes)
  }

  /** Hands over the last, shorter block. Room for the end must have been waited for. */
  flush(): void {
    if (this.#used > 0) this.#handOver()
  }

  /** Says that nothing follows, after {@link flush} and once there is room. */
  end(): void {
    this.#ring.end(this.#hash.digest())
  }

  #handOver(): void {
    this.#ring.fill(0, this.#used)
    this.#block = undefined
    this.#used = 0
  }
}
