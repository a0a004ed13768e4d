import { createHash } from 'node:crypto'
import type { BlockRing } from '#threads/block-ring.ts'

/**
 * Fills a ring's blocks from pieces of any length, and hashes the bytes: not in the compressor, the busiest
 * thread.
 */
export class BlockWriter {
  readonly #ring: BlockRing
  readonly #hash = createHash('sha256')
  #block: Uint8Array | undefined
  #used = 0
  readonly #see: (bytes: Uint8Array) => void

  /** @param see gets all bytes, in order, before the consumer does */
  constructor(ring: BlockRing, see: (bytes: Uint8Array) => void = () => {}) {
    this.#ring = ring
    this.#see = see
  }

  /** Worker thread: waits for free bytes in the current block. */
  waitForRoom(): Uint8Array {
    this.#block ??= this.#ring.waitForSpace()
    return this.#block.subarray(this.#used)
  }

  /** Main thread: as {@link waitForRoom}. `check` runs before each wait and may throw. */
  async roomAvailable(check: () => void): Promise<Uint8Array> {
    this.#block ??= await this.#ring.spaceAvailable(check)
    return this.#block.subarray(this.#used)
  }

  /** Reports bytes written into the room. */
  advance(length: number): void {
    const block = this.#block
    if (!block || length > block.length - this.#used) throw new RangeError('more bytes than there was room')
    this.#look(block.subarray(this.#used, this.#used + length))
    this.#used += length
    if (this.#used === block.length) this.#handOver()
  }

  /** Hashes bytes before the first block. */
  pass(bytes: Uint8Array): void {
    this.#look(bytes)
  }

  /** Hands over the last, shorter block; wait for room before {@link end}. */
  flush(): void {
    if (this.#used > 0) this.#handOver()
  }

  /** Nothing follows; after {@link flush}, once there is room. */
  end(): void {
    this.#ring.end(this.#hash.digest())
  }

  #look(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#see(bytes)
  }

  #handOver(): void {
    this.#ring.fill(0, this.#used)
    this.#block = undefined
    this.#used = 0
  }
}
