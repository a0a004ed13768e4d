import { workerData } from 'node:worker_threads'
import { BLOCK_NUMBER_BYTES, BlockClaims, type SharedAssistance } from '#threads/assistance.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { freeNow } from '#transient-memory.ts'
import { compressFrame } from '#zstd-frame.ts'

/** What the second compressor is told. */
export interface AssistantTask {
  /** The blocks that the compressor takes. */
  blocks: SharedBlocks
  assistance: SharedAssistance
}

/**
 * So many blocks must wait: then the source is faster than the compressor, and has to wait for it. A slower one, such
 * as a dump that takes all it can get of the machine, is left in peace.
 */
const LEAST_WAITING = 4

/** Compresses every other block while the compressor cannot keep up, until no more can come. */
function assist({ blocks, assistance }: AssistantTask): void {
  const source = new BlockRing(blocks)
  const claims = new BlockClaims(assistance.claims)
  const sink = new BlockRing(assistance.frames)
  let number = source.waitForBacklog(LEAST_WAITING, 0)
  while (number !== undefined) {
    if (claims.claim(number)) {
      const frame = compressFrame(source.blockAt(number))
      const room = sink.waitForSpace()
      new DataView(room.buffer, room.byteOffset).setInt32(0, number)
      room.set(frame, BLOCK_NUMBER_BYTES)
      sink.fill(0, BLOCK_NUMBER_BYTES + frame.length)
      freeNow(frame)
    }
    // The next one is the compressor's, which would only wait otherwise.
    number = source.waitForBacklog(LEAST_WAITING, number + 2)
  }
}

assist(workerData as AssistantTask)
