import { createHash, type Hash, randomInt } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import {
  type BackupIdentity,
  encodePartHeader,
  MAX_HEADER_FRAME_BYTES,
  type PartPosition,
} from '#part-header.ts'
import { maxPaddingBytes, type PartFill, type PartPlan, takesFrame, withFrame } from '#part-planner.ts'
import { BLOCK_NUMBER_BYTES, BlockClaims, type SharedAssistance } from '#threads/assistance.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { freeNow } from '#transient-memory.ts'
import { compressFrame } from '#zstd-frame.ts'

/** What the compressor thread is told. */
export interface CompressorTask {
  /** Plain blocks, each full but the last. */
  blocks: SharedBlocks
  /** Finished parts before encryption; each slot has {@link MAX_HEADER_FRAME_BYTES} more than the part's capacity. */
  parts: SharedBlocks
  assistance: SharedAssistance
  plan: PartPlan
  backup: BackupIdentity
  /** Whether to send the plain bytes compressed so far (a number) after each block. */
  reportProgress: boolean
}

/** The part that is being filled. Its header is written last, and ends in the slot where the frames begin. */
class OpenPart {
  readonly frames: number[] = []
  readonly hash: Hash = createHash('sha256')
  fill: PartFill = { frames: 0, framesBytes: 0, frameListBytes: 0 }
  plainSize = 0
  readonly number: number
  readonly plainOffset: number
  readonly slot: Uint8Array

  constructor(number: number, plainOffset: number, slot: Uint8Array) {
    this.number = number
    this.plainOffset = plainOffset
    this.slot = slot
  }

  add(block: Uint8Array, frame: Uint8Array): void {
    this.slot.set(frame, MAX_HEADER_FRAME_BYTES + this.fill.framesBytes)
    this.frames.push(frame.length)
    this.fill = withFrame(this.fill, frame.length)
    this.hash.update(block)
    this.plainSize += block.length
  }
}

function compress({ blocks, parts, assistance, plan, backup, reportProgress }: CompressorTask): void {
  const source = new BlockRing(blocks)
  const sink = new BlockRing(parts)
  const claims = new BlockClaims(assistance.claims)
  const assistantFrames = new BlockRing(assistance.frames)
  let part = new OpenPart(1, 0, sink.waitForSpace())

  function close(position: PartPosition): void {
    const { frames, fill, plainOffset, plainSize } = part
    const header = encodePartHeader(
      {
        format: 1,
        backup,
        part: part.number,
        ...position,
        plainOffset,
        plainSize,
        plainSha256: part.hash.digest('hex'),
        blockSize: plan.blockSizeBytes,
        frames,
      },
      randomInt(maxPaddingBytes(plan, fill) + 1),
    )
    const start = MAX_HEADER_FRAME_BYTES - header.length
    part.slot.set(header, start)
    sink.fill(start, MAX_HEADER_FRAME_BYTES + fill.framesBytes)
  }

  function add(block: Uint8Array, frame: Uint8Array): void {
    if (!takesFrame(plan, part.fill, frame.length)) {
      close({ last: false })
      part = new OpenPart(part.number + 1, part.plainOffset + part.plainSize, sink.waitForSpace())
    }
    part.add(block, frame)
  }

  function addCompressed(block: Uint8Array): void {
    const frame = compressFrame(block)
    add(block, frame)
    freeNow(frame)
  }

  function addFromAssistant(block: Uint8Array): void {
    const given = assistantFrames.waitForBlock()
    const number = given && new DataView(given.buffer, given.byteOffset).getInt32(0)
    if (given === undefined || number !== source.takenNumber) {
      throw new Error(`The assistant gave block ${number} for block ${source.takenNumber}`)
    }
    add(block, given.subarray(BLOCK_NUMBER_BYTES))
    assistantFrames.release()
  }

  for (let block = source.waitForBlock(); block; block = source.waitForBlock()) {
    if (claims.claim(source.takenNumber)) addCompressed(block)
    else addFromAssistant(block)
    source.release()
    if (reportProgress) parentPort?.postMessage(part.plainOffset + part.plainSize)
  }
  // Of nothing, too, there is a frame: `zstd -d` wants one.
  if (part.frames.length === 0) addCompressed(new Uint8Array(0))
  close({ last: true, wholeSha256: source.digest.toString('hex') })
  sink.waitForSpace()
  sink.end()
}

compress(workerData as CompressorTask)
