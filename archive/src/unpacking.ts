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

/** Frames between here and the decompressor: enough to keep it busy while the main thread has other work. */
const FRAME_SLOTS = 8
/** Plain blocks between the decompressor and the consumer. */
const BLOCK_SLOTS = 4
/** After so many bytes (about 2 ms) other work of the main thread gets its turn. */
const BYTES_PER_TURN = 2 * 1024 * 1024

/** The restored bytes. */
export interface RestoredSummary {
  parts: number
  /** Where the restored bytes begin in the whole; 0 unless the archive is partial. */
  plainOffset: number
  /** Bytes. */
  plainSize: number
  /** Of the whole, hex; absent when the archive is partial. */
  plainSha256?: string
}

/** An archive that is being unpacked. */
export interface Unpacking {
  /** Plain blocks in their order; the ring ends when all that was to be checked is right. */
  plain: { ring: BlockRing; shared: SharedBlocks }
  /** Known by the time the ring ends; a failure ends the run. */
  summary: () => RestoredSummary | undefined
}

/**
 * Starts the thread that decompresses, and feeds it with the parts as they come.
 * @param expected.hashesWhole whether that thread compares the SHA-256 of the whole; else the consumer has to. It is
 *   meaningless for a partial archive, of whose parts each is compared.
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
    // With the manifest's SHA-256 of each part, the one over all plain bytes leaves nothing unchecked.
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

/** Checks the parts and hands them on; the last one only when it is certain that nothing follows it. */
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

/** Decrypts parts straight into the blocks of a ring, a frame in each. */
class FrameFeed {
  readonly #ring: BlockRing
  readonly #check: () => void
  #bytesThisTurn = 0

  constructor(ring: BlockRing, check: () => void) {
    this.#ring = ring
    this.#check = check
  }

  /** @throws ArchiveError `INTEGRITY` with `partNumber`; what the run failed of */
  async give({ header, headerFrame, frames }: OpenedPart): Promise<void> {
    const room = await this.#ring.spaceAvailable(this.#check)
    // Others have the memory when the run has ended meanwhile.
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
