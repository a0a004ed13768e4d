import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PlainRanges } from '#age-file.ts'
import { ArchiveError } from '#archive-error.ts'
import { copyBytes } from '#copy-bytes.ts'
import type { PackHeader } from '#packs/pack-header.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import type { Signer } from '#signed-document.ts'
import { decompressFrame, maxFrameSizeBytes } from '#zstd-frame.ts'

/** A frame is unpacked before another one is gathered. */
const frameMemory = Buffer.allocUnsafeSlow(maxFrameSizeBytes(PACK_LIMITS.frameBytes))

/** A frame's place: before compression, and in the pack before encryption. */
interface FramePlace {
  plainStart: number
  plainSize: number
  start: number
  size: number
}

/** A checked pack, whose bytes are decrypted and unpacked as they are read. */
export class OpenedPack implements Signer {
  readonly header: PackHeader
  readonly signer: string
  readonly before: readonly string[]
  /** Plain bytes of all frames. */
  readonly plainSize: number
  readonly #plain: PlainRanges
  readonly #frames: FramePlace[]

  constructor(of: { header: PackHeader; signed: Signer; plain: PlainRanges; framesStart: number }) {
    this.header = of.header
    this.signer = of.signed.signer
    this.before = of.signed.before
    this.#plain = of.plain
    this.#frames = placesOf(of.header.frames, of.framesStart)
    const last = this.#frames.at(-1)
    this.plainSize = last ? last.plainStart + last.plainSize : 0
  }

  /**
   * Plain bytes in pieces of at most 1 MiB, each in its own memory; only their frames are decrypted.
   * @param extent bytes; by default all
   * @throws ArchiveError `INTEGRITY` while iterating, for damaged frames, or an extent outside of the pack
   */
  async *read(
    extent: { offset: number; length: number } = { offset: 0, length: this.plainSize },
  ): AsyncGenerator<Buffer, void> {
    const { offset: start, length } = extent
    const end = start + length
    if (!Number.isSafeInteger(start) || start < 0 || length < 0 || !(end <= this.plainSize))
      throw new ArchiveError(`Pack ${this.header.pack} has no bytes ${start} to ${end}`, {
        code: 'INTEGRITY',
      })
    for (let index = this.#frameAt(start); index < this.#frames.length; index++) {
      const frame = this.#frames[index]
      if (!frame || frame.plainStart >= end) return
      yield this.#unpack(frame).subarray(Math.max(0, start - frame.plainStart), end - frame.plainStart)
      // Unpacking takes a millisecond, and other work may wait.
      await nextTurn()
    }
  }

  /** The frame that holds this plain byte. */
  #frameAt(plainOffset: number): number {
    let low = 0
    let high = this.#frames.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { plainStart = 0, plainSize = 0 } = this.#frames[middle] ?? {}
      if (plainStart + plainSize > plainOffset) high = middle
      else low = middle + 1
    }
    return low
  }

  #unpack({ start, size, plainSize }: FramePlace): Buffer {
    const frame = gathered(this.#plain.read(start, start + size))
    try {
      const plain = decompressFrame(frame, plainSize)
      if (plain.length === plainSize) return plain
    } catch (cause) {
      throw new ArchiveError(`A frame of pack ${this.header.pack} is damaged`, { code: 'INTEGRITY', cause })
    }
    throw new ArchiveError(`A frame of pack ${this.header.pack} has another size`, { code: 'INTEGRITY' })
  }
}

function placesOf(frames: PackHeader['frames'], framesStart: number): FramePlace[] {
  let start = framesStart
  let plainStart = 0
  return frames.map(([size, plainSize]) => {
    const place = { plainStart, plainSize, start, size }
    start += size
    plainStart += plainSize
    return place
  })
}

/**
 * The pieces in one; valid until the next call. New memory for each frame would wait for the garbage
 * collector.
 */
function gathered(pieces: Iterable<Uint8Array>): Uint8Array {
  let length = 0
  for (const piece of pieces) {
    copyBytes(frameMemory, piece, length)
    length += piece.length
  }
  return frameMemory.subarray(0, length)
}
