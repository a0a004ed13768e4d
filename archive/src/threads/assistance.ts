import type { SharedBlocks } from '#threads/block-ring.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

/** The memory of the agreement between the compressor and its assistant; can be sent to a thread. */
export interface SharedAssistance {
  claims: SharedArrayBuffer
  /** Frames of the assistant, in the order of their blocks; before each the number of its block. */
  frames: SharedBlocks
}

/** Frames that the assistant may be ahead. */
const FRAME_SLOTS = 2
/** Bytes of the block's number before a frame. */
export const BLOCK_NUMBER_BYTES = 4

/** The size of the ring for the assistant's frames of such blocks. */
export function assistantRing(blockSizeBytes: number): { slots: number; slotSizeBytes: number } {
  return { slots: FRAME_SLOTS, slotSizeBytes: BLOCK_NUMBER_BYTES + maxFrameSizeBytes(blockSizeBytes) }
}

/** Who compresses which block of a ring: each is claimed once, by the compressor or by its assistant. */
export class BlockClaims {
  readonly #claims: Int32Array

  /** Memory for the claims of a ring with so many slots, as if the blocks before its first had been claimed. */
  static allocate(slots: number): SharedArrayBuffer {
    const claims = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT))
    claims.set(Array.from(claims, (_, index) => index + 1 - slots))
    return claims.buffer
  }

  constructor(claims: SharedArrayBuffer) {
    this.#claims = new Int32Array(claims)
  }

  /**
   * Whether the block is the caller's from now on. Both may ask, and the assistant also for a block that has left the
   * ring: that one had been claimed.
   * @param number as the ring counts them
   */
  claim(number: number): boolean {
    const slots = this.#claims.length
    // A claim is counted from 1; what is there is that of the block before in the same slot.
    const claim = (number + 1) | 0
    const before = (claim - slots) | 0
    return Atomics.compareExchange(this.#claims, (number >>> 0) % slots, before, claim) === before
  }
}
