import { workerData } from 'node:worker_threads'
import { copyBytes } from '#copy-bytes.ts'
import { BLOCK_NUMBER_BYTES, BlockClaims, type SharedAssistance } from '#threads/assistance.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { freeNow } from '#transient-memory.ts'
import { compressFrame } from '#zstd-frame.ts'

export interface AssistantTask {
  blocks: SharedBlocks
  assistance: SharedAssistance
}

/**
 * With this many blocks waiting, the source is faster than the compressor. A slower one, such as a dump that
 * uses the machine fully, gets no competitor.
 */
const LEAST_WAITING = 4

/** Compresses every other block while the compressor cannot keep up. */
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
      copyBytes(room, frame, BLOCK_NUMBER_BYTES)
      sink.fill(0, BLOCK_NUMBER_BYTES + frame.length)
      freeNow(frame)
    }
    // The compressor takes the next one instead of waiting.
    number = source.waitForBacklog(LEAST_WAITING, number + 2)
  }
}

assist(workerData as AssistantTask)
