import type { Hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** About 2 ms: a part may have 2 GB, and the main thread has other work. */
const BYTES_PER_TURN = 4 * 1024 * 1024

/** Updates several hashes, giving other work of the main thread its turns. */
export async function hashInTurns(bytes: Uint8Array, ...hashes: Hash[]): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += BYTES_PER_TURN) {
    const piece = bytes.subarray(offset, offset + BYTES_PER_TURN)
    for (const hash of hashes) hash.update(piece)
    if (offset + BYTES_PER_TURN < bytes.length) await nextTurn()
  }
}
