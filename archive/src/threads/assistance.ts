import type { SharedBlocks } from '#threads/block-ring.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

/** Memory of the compressor and its assistant; can be sent to a thread. */
export interface SharedAssistance {
  claims: SharedArrayBuffer
  /** The assistant's frames in order, each behind the number of its block. */
  frames: SharedBlocks
}

/** How far the assistant may be ahead. */
const FRAME_SLOTS = 2
export const BLOCK_NUMBER_BYTES = 4

export function assistantRing(blockSizeBytes: number): { slots: number; slotSizeBytes: number } {
  return { slots: FRAME_SLOTS, slotSizeBytes: BLOCK_NUMBER_BYTES + maxFrameSizeBytes(blockSizeBytes) }
}

/** Which blocks are claimed: each once, by the compressor or its assistant. */
export class BlockClaims {
  readonly #claims: Int32Array

  /** Memory for a ring's claims, as if the blocks before its first were claimed. */
  static allocate(slots: number): SharedArrayBuffer {
    const claims = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT))
    claims.set(Array.from(claims, (_, index) => index + 1 - slots))
    return claims.buffer
  }

  constructor(claims: SharedArrayBuffer) {
    this.#claims = new Int32Array(claims)
  }

  /**
   * Whether the block is now the caller's. The assistant may also ask for a block that has left the ring, and
   * so was claimed.
   * @param number as the ring counts
   */
  claim(number: number): boolean {
    const slots = this.#claims.length
    // Claims count from 1; the old value is that of the earlier block in this slot.
    const claim = (number + 1) | 0
    const before = (claim - slots) | 0
    return Atomics.compareExchange(this.#claims, (number >>> 0) % slots, before, claim) === before
  }
}
