import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { ArchiveError } from '#archive-error.ts'
import type { OpenedPart } from '#part-opener.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { decompressFrame } from '#zstd-frame.ts'

/** What the decompressor thread is told at its start. */
export interface DecompressorTask {
  /** Takes the plain blocks; slots of 1 MiB, the most that a block may have. */
  blocks: SharedBlocks
}

/** What the thread answers when all blocks of a part were handed over and its hash was right. */
export interface PartDecompressed {
  part: number
}

/** A part to decompress. */
export interface DecompressorPart extends OpenedPart {
  /** Whether nothing follows this part. */
  isEnd: boolean
  /** Whether the archive began with part 1, so that its last part tells the hash of the whole. */
  isWhole: boolean
}

const ring = new BlockRing((workerData as DecompressorTask).blocks)
const whole = createHash('sha256')

function decompress({ header, frames, isEnd, isWhole }: DecompressorPart): void {
  const hash = createHash('sha256')
  let plainSize = 0
  let offset = 0
  for (const size of header.frames) {
    // Whoever knows the public key can encrypt anything; so the block size bounds what a frame may unpack to.
    const block = decompressFrame(frames.subarray(offset, offset + size), header.blockSize)
    offset += size
    plainSize += block.length
    hash.update(block)
    whole.update(block)
    if (block.length === 0) continue
    ring.waitForSpace().set(block)
    ring.fill(0, block.length)
  }
  if (plainSize !== header.plainSize || hash.digest('hex') !== header.plainSha256) {
    throw new Error('The plain bytes are not those that the part header names')
  }
  if (!isEnd) return
  if (isWhole && !(header.last && whole.digest('hex') === header.wholeSha256)) {
    throw new Error('The parts do not belong together: the SHA-256 of the whole differs')
  }
  ring.waitForSpace()
  ring.end()
}

parentPort?.on('message', (part: DecompressorPart) => {
  try {
    decompress(part)
  } catch (cause) {
    throw new ArchiveError('INTEGRITY', `Part ${part.header.part} cannot be decompressed`, {
      partNumber: part.header.part,
      cause,
    })
  }
  parentPort?.postMessage({ part: part.header.part } satisfies PartDecompressed)
})
