import { copyBytes } from '#copy-bytes.ts'
import { looksIncompressible } from '#incompressible.ts'
import { freeNow } from '#transient-memory.ts'
import { compressFrame, writeStoredFrame } from '#zstd-frame.ts'

/**
 * Writes the frames of a pack. After bytes that could not be compressed, those that look random are stored as
 * they are: most packs hold encrypted files, and trying takes more time than hashing them.
 */
export class FrameWriter {
  #isCompressible = true

  /** Returns the length of the frame. `into` has room for the longest. */
  write(plain: Uint8Array, into: Buffer): number {
    if (!this.#isCompressible && looksIncompressible(plain)) return writeStoredFrame(plain, into)
    const frame = compressFrame(plain)
    this.#isCompressible = frame.length < plain.length
    copyBytes(into, frame)
    const { length } = frame
    freeNow(frame)
    return length
  }
}
