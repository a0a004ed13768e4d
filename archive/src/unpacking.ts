import { setImmediate as nextTurn } from 'node:timers/promises'
import { toArchiveError } from '#archive-error.ts'
import type { ArchiveRun } from '#archive-run.ts'
import { MAX_BLOCK_SIZE_BYTES } from '#part-header.ts'
import {
  cannotOpen,
  type OpenedPart,
  type PartExpectations,
  PartOpener,
  type ReceivedPart,
} from '#part-opener.ts'
import type { BlockRing, SharedBlocks } from '#threads/block-ring.ts'
import type { DecompressorTask } from '#threads/decompressor.ts'
import { maxFrameSizeBytes } from '#zstd-frame.ts'

/** Frames before the decompressor: enough while the main thread has other work. */
const FRAME_SLOTS = 8
/** Plain blocks before the consumer. */
const BLOCK_SLOTS = 4
/** After these bytes (about 2 ms) other work of the main thread gets a turn. */
const BYTES_PER_TURN = 2 * 1024 * 1024

export interface RestoredSummary {
  parts: number
  /** Offset in the whole; 0 unless the archive is partial. */
  plainOffset: number
  /** Bytes. */
  plainSize: number
  /** Of the whole, hex; absent for a partial archive. */
  plainSha256?: string
}

export interface Unpacking {
  /** Plain blocks in order; the ring ends when all checks have passed. */
  plain: { ring: BlockRing; shared: SharedBlocks }
  /** Known when the ring ends. */
  summary: () => RestoredSummary | undefined
}

/**
 * Starts the decompressing thread, and feeds it with the parts.
 * @param expected.hashesWhole whether that thread compares the SHA-256 of the whole; else the consumer must.
 * For a partial archive, each part is compared instead.
 */
export function startUnpacking(
  run: ArchiveRun,
  parts: AsyncIterable<ReceivedPart>,
  expected: PartExpectations & { hashesWhole: boolean },
): Unpacking {
  const opener = new PartOpener(expected)
  const frames = run.ring({ slots: FRAME_SLOTS, slotSizeBytes: maxFrameSizeBytes(MAX_BLOCK_SIZE_BYTES) })
  const plain = run.ring({ slots: BLOCK_SLOTS, slotSizeBytes: MAX_BLOCK_SIZE_BYTES })
  const isWhole = expected.partial !== true
  const task: DecompressorTask = {
    frames: frames.shared,
    plain: plain.shared,
    checksWhole: isWhole && expected.hashesWhole,
    // With the manifest's SHA-256 of each part, that of all plain bytes is enough.
    checksParts: !isWhole || !expected.expectedParts,
  }
  run.start({
    module: '#threads/decompressor.ts',
    task,
    onFailure: error => run.fail(toArchiveError(error, 'INTEGRITY', 'Decompressing failed')),
  })
  let restored: RestoredSummary | undefined
  feedParts(parts, opener, new FrameFeed(frames.ring, run.check)).then(
    summary => {
      restored = summary
    },
    error => run.fail(toArchiveError(error, 'SOURCE', 'The parts could not be fetched')),
  )
  return { plain, summary: () => restored }
}

/** Checks the parts and passes them on; the last one only when nothing follows. */
async function feedParts(
  parts: AsyncIterable<ReceivedPart>,
  opener: PartOpener,
  feed: FrameFeed,
): Promise<RestoredSummary> {
  let count = 0
  let plainOffset: number | undefined
  let last: OpenedPart | undefined
  for await (const received of parts) {
    if (last) throw opener.surplus()
    const opened = await opener.open(received)
    count += 1
    plainOffset ??= opened.header.plainOffset
    if (opener.isAtEnd) last = opened
    else await feed.give(opened)
  }
  if (!last || plainOffset === undefined) throw opener.incomplete()
  await feed.give(last)
  await feed.end()
  const { header } = last
  return {
    parts: count,
    plainOffset,
    plainSize: header.plainOffset + header.plainSize - plainOffset,
    ...(!opener.isPartial && header.last && { plainSha256: header.wholeSha256 }),
  }
}

/** Decrypts parts into the blocks of a ring, a frame in each. */
class FrameFeed {
  readonly #ring: BlockRing
  readonly #check: () => void
  #bytesThisTurn = 0

  constructor(ring: BlockRing, check: () => void) {
    this.#ring = ring
    this.#check = check
  }

  /** @throws ArchiveError `INTEGRITY` with `partNumber`, and the failure of the run */
  async give({ header, headerFrame, frames }: OpenedPart): Promise<void> {
    const room = await this.#ring.spaceAvailable(this.#check)
    // Other runs have the memory if this run has ended.
    this.#check()
    room.set(headerFrame)
    this.#ring.fill(0, headerFrame.length)
    try {
      for (const size of header.frames) {
        const room = await this.#ring.spaceAvailable(this.#check)
        this.#check()
        frames.read(room.subarray(0, size))
        this.#ring.fill(0, size)
        await this.#takeTurns(size)
      }
      frames.assertEnd()
    } catch (error) {
      throw cannotOpen(header.part, error)
    }
  }

  async end(): Promise<void> {
    await this.#ring.spaceAvailable(this.#check)
    this.#ring.end()
  }

  async #takeTurns(sizeBytes: number): Promise<void> {
    this.#bytesThisTurn += sizeBytes
    if (this.#bytesThisTurn < BYTES_PER_TURN) return
    this.#bytesThisTurn = 0
    await nextTurn()
  }
}
