import { createHash, type Hash, randomInt } from 'node:crypto'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { copyBytes } from '#copy-bytes.ts'
import { type BackupIdentity, encodePartHeader, type PartPosition } from '#part-header.ts'
import { maxPaddingBytes, type PartFill, type PartPlan, takesFrame, withFrame } from '#part-planner.ts'
import { BLOCK_NUMBER_BYTES, BlockClaims, type SharedAssistance } from '#threads/assistance.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { PART_PLACE_BYTES, type PartPlace, writePartPlace } from '#threads/part-place.ts'
import { freeNow } from '#transient-memory.ts'
import { compressFrame } from '#zstd-frame.ts'

export interface CompressorTask {
  /** Plain blocks, all but the last full. */
  blocks: SharedBlocks
  /** A block for each piece of part memory (SharedArrayBuffer) that was posted to the thread. */
  memory: SharedBlocks
  /** Offset of the frames in a part's memory; before them is room for the header and for growth. */
  framesOffset: number
  /** The place of each finished part, in order: two numbers of 32 bits. */
  parts: SharedBlocks
  assistance: SharedAssistance
  plan: PartPlan
  backup: BackupIdentity
  /** The first part to make, and the offset of its plain bytes. */
  first: { number: number; plainOffset: number }
  /** Whether to post the number of compressed plain bytes after each block. */
  reportProgress: boolean
}

/** The part being filled. Its header is written last, just before the frames. */
class OpenPart {
  readonly frames: number[] = []
  readonly hash: Hash = createHash('sha256')
  fill: PartFill = { frames: 0, framesBytes: 0, frameListBytes: 0 }
  plainSize = 0
  readonly number: number
  readonly plainOffset: number
  readonly #memory: Uint8Array
  readonly #framesOffset: number

  constructor(number: number, plainOffset: number, memory: { bytes: Uint8Array; framesOffset: number }) {
    this.number = number
    this.plainOffset = plainOffset
    this.#memory = memory.bytes
    this.#framesOffset = memory.framesOffset
  }

  add(block: Uint8Array, frame: Uint8Array): void {
    copyBytes(this.#memory, frame, this.#framesOffset + this.fill.framesBytes)
    this.frames.push(frame.length)
    this.fill = withFrame(this.fill, frame.length)
    this.hash.update(block)
    this.plainSize += block.length
  }

  /** Writes the header before the frames; returns the part's place. */
  close(header: Uint8Array): PartPlace {
    const start = this.#framesOffset - header.length
    this.#memory.set(header, start)
    return { start, end: this.#framesOffset + this.fill.framesBytes }
  }
}

/** A full block of zeros, of which sparse files have thousands: its frame is compressed once. */
class ZeroBlock {
  readonly #zeros: Uint8Array
  #frame: Buffer | undefined

  constructor(blockSizeBytes: number) {
    this.#zeros = new Uint8Array(blockSizeBytes)
  }

  isFull(block: Uint8Array): boolean {
    return Buffer.compare(block, this.#zeros) === 0
  }

  get frame(): Buffer {
    this.#frame ??= compressFrame(this.#zeros)
    return this.#frame
  }
}

function compress(task: CompressorTask): void {
  const { assistance, plan, backup, first, reportProgress, framesOffset } = task
  const source = new BlockRing(task.blocks)
  const sink = new BlockRing(task.parts)
  const memory = new BlockRing(task.memory)
  const claims = new BlockClaims(assistance.claims)
  const zeros = new ZeroBlock(plan.blockSizeBytes)
  const assistantFrames = new BlockRing(assistance.frames)
  let part = new OpenPart(first.number, first.plainOffset, waitForMemory())

  function waitForMemory(): { bytes: Uint8Array; framesOffset: number } {
    memory.waitForBlock()
    const received: unknown = parentPort && receiveMessageOnPort(parentPort)?.message
    if (!(received instanceof SharedArrayBuffer)) throw new Error('No memory came for the next part')
    memory.release()
    return { bytes: new Uint8Array(received), framesOffset }
  }

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
    writePartPlace(sink.waitForSpace(), part.close(header))
    sink.fill(0, PART_PLACE_BYTES)
  }

  function add(block: Uint8Array, frame: Uint8Array): void {
    if (!takesFrame(plan, part.fill, frame.length)) {
      close({ last: false })
      part = new OpenPart(part.number + 1, part.plainOffset + part.plainSize, waitForMemory())
    }
    part.add(block, frame)
  }

  function addCompressed(block: Uint8Array): void {
    const isZeros = zeros.isFull(block)
    const frame = isZeros ? zeros.frame : compressFrame(block)
    add(block, frame)
    if (!isZeros) freeNow(frame)
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
  // An empty archive has a frame, too: `zstd -d` needs one.
  if (part.frames.length === 0) addCompressed(new Uint8Array(0))
  close({ last: true, wholeSha256: source.digest.toString('hex') })
  sink.waitForSpace()
  sink.end()
}

compress(workerData as CompressorTask)
