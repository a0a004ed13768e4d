import type { Hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Bytes hashed at a stretch, in about 2 ms: a part may have 2 GB, and the main thread has other work, too. */
const BYTES_PER_TURN = 4 * 1024 * 1024

/** Feeds bytes to several hashes at once, letting other work of the main thread in between. */
export async function hashInTurns(bytes: Uint8Array, ...hashes: Hash[]): Promise<void> {
  for (let offset = 0; offset < bytes.length; offset += BYTES_PER_TURN) {
    const piece = bytes.subarray(offset, offset + BYTES_PER_TURN)
    for (const hash of hashes) hash.update(piece)
    if (offset + BYTES_PER_TURN < bytes.length) await nextTurn()
  }
}
