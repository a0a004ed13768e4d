import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { constants, zstdDecompressSync } from 'node:zlib'
import { ArchiveError } from '#archive-error.ts'
import { MAX_BLOCK_SIZE_BYTES } from '#part-header.ts'
import type { OpenedPart } from '#part-opener.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'

/** What the decompressor thread is told at its start. */
export interface DecompressorTask {
  /** Takes the plain blocks; slots of {@link MAX_BLOCK_SIZE_BYTES}. */
  blocks: SharedBlocks
}

/** What the thread answers when all blocks of a part were handed over and its hash was right. */
export interface PartDecompressed {
  part: number
}

const WINDOW_LOG_MAX = Math.log2(MAX_BLOCK_SIZE_BYTES)

/** Whoever knows the public key can encrypt anything: the memory that a frame may ask for is bounded here. */
function decompressFrame(frame: Uint8Array, blockSize: number): Buffer {
  return zstdDecompressSync(frame, {
    maxOutputLength: blockSize,
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  })
}

const ring = new BlockRing((workerData as DecompressorTask).blocks)
const whole = createHash('sha256')

function decompress({ header, frames }: OpenedPart): void {
  const hash = createHash('sha256')
  let plainSize = 0
  let offset = 0
  for (const size of header.frames) {
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
  if (!header.last) return
  if (whole.digest('hex') !== header.wholeSha256) {
    throw new Error('The parts do not belong together: the SHA-256 of the whole differs')
  }
  ring.waitForSpace()
  ring.end()
}

parentPort?.on('message', (part: OpenedPart) => {
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
