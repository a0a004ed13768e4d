import { createHash } from 'node:crypto'
import { workerData } from 'node:worker_threads'
import { ArchiveError } from '#archive-error.ts'
import { copyBytes } from '#copy-bytes.ts'
import { decodeHeaderFrame, type PartHeader } from '#part-header.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { freeNow } from '#transient-memory.ts'
import { decompressFrame } from '#zstd-frame.ts'

export interface DecompressorTask {
  /** Part by part: the header's skippable frame, then the frames, each in a block. */
  frames: SharedBlocks
  /** Gets the plain blocks; slots of 1 MiB, the largest block. */
  plain: SharedBlocks
  /** Compare each part with the hash in its header. */
  checksParts: boolean
  /** Compare all of them with the hash in the last header. */
  checksWhole: boolean
}

class Decompressor {
  readonly #frames: BlockRing
  readonly #plain: BlockRing
  readonly #task: DecompressorTask
  readonly #whole = createHash('sha256')

  constructor(task: DecompressorTask) {
    this.#task = task
    this.#frames = new BlockRing(task.frames)
    this.#plain = new BlockRing(task.plain)
  }

  run(): void {
    let last: PartHeader | undefined
    for (let block = this.#frames.waitForBlock(); block; block = this.#frames.waitForBlock()) {
      last = decodeHeaderFrame(block)
      this.#frames.release()
      try {
        this.#unpack(last)
      } catch (cause) {
        throw damaged(last.part, cause)
      }
    }
    if (this.#task.checksWhole) this.#compareWhole(last)
    this.#plain.waitForSpace()
    this.#plain.end()
  }

  #unpack(header: PartHeader): void {
    const hash = this.#task.checksParts ? createHash('sha256') : undefined
    let plainSize = 0
    for (const size of header.frames) {
      const frame = this.#frames.waitForBlock()
      if (frame?.length !== size) throw new Error('A frame was lost between two threads')
      // Anybody with the public key can encrypt anything: the block size limits what a frame unpacks to.
      const block = decompressFrame(frame, header.blockSize)
      this.#frames.release()
      plainSize += block.length
      hash?.update(block)
      this.#give(block)
    }
    if (plainSize !== header.plainSize || (hash && hash.digest('hex') !== header.plainSha256)) {
      throw new Error('The plain bytes are not those that the part header names')
    }
  }

  #give(block: Buffer): void {
    if (block.length > 0) {
      if (this.#task.checksWhole) this.#whole.update(block)
      copyBytes(this.#plain.waitForSpace(), block)
      this.#plain.fill(0, block.length)
    }
    freeNow(block)
  }

  #compareWhole(last: PartHeader | undefined): void {
    if (!last?.last || this.#whole.digest('hex') !== last.wholeSha256) {
      throw damaged(
        last?.part,
        new Error('The parts do not belong together: the SHA-256 of the whole differs'),
      )
    }
  }
}

function damaged(partNumber: number | undefined, cause: unknown): ArchiveError {
  return new ArchiveError(`Part ${partNumber} cannot be decompressed`, {
    code: 'INTEGRITY',
    partNumber,
    cause,
  })
}

new Decompressor(workerData as DecompressorTask).run()
