import { writeSync } from 'node:fs'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { ArchiveRun } from '#archive-run.ts'
import { assertUnlocking } from '#encryption.ts'
import { MAX_BLOCK_SIZE_BYTES } from '#part-header.ts'
import { type OpenedPart, type PartExpectations, PartOpener, type ReceivedPart } from '#part-opener.ts'
import { abandon } from '#source.ts'
import type { SharedBlocks } from '#threads/block-ring.ts'
import type { DecompressorPart, DecompressorTask, PartDecompressed } from '#threads/decompressor.ts'
import type { Thread } from '#threads/thread.ts'

/** Plain blocks between the decompressor and the consumer. */
const BLOCK_SLOTS = 4
/** Decrypted parts at the decompressor: one at work, one waiting. */
const PARTS_AHEAD = 2

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

/** The plain bytes in order, to be iterated once. Leaving the loop early ends the thread. */
export interface ArchiveReader extends AsyncIterable<Buffer> {
  /** @throws ArchiveError `CONFIGURATION` until the iteration ended without an error. */
  readonly summary: RestoredSummary
}

/** How an archive is read. */
export interface ReadArchiveOptions extends PartExpectations {
  signal?: AbortSignal
}

/**
 * Checks, decrypts and decompresses the parts, which must come in order. Nothing of a part is given out before its
 * SHA-256, its age tags and its header were checked; what was given out is whole only when the iteration ends
 * without an error. The caller fetches ahead, if it wants to; here one part is decrypted while another is
 * decompressed, and the parts are asked for no faster than the consumer takes the bytes.
 * @throws ArchiveError at the call: `NO_KEY`, `CONFIGURATION`; while iterating: `WRONG_KEY` and `INTEGRITY` (with
 *   `partNumber`), `SOURCE` (the iterable of the parts failed), `CANCELLED`
 */
export function readArchive(parts: AsyncIterable<ReceivedPart>, options: ReadArchiveOptions): ArchiveReader {
  assertUnlocking(options)
  let summary: RestoredSummary | undefined
  const blocks = readBlocks(parts, options, restored => {
    summary = restored
  })
  return {
    get summary() {
      if (summary) return summary
      throw new ArchiveError('CONFIGURATION', 'The archive has no summary before its end was verified')
    },
    [Symbol.asyncIterator]: () => blocks,
  }
}

/** How an archive is read into a file. */
export interface ReadArchiveIntoOptions extends ReadArchiveOptions {
  /** Hears how many plain bytes were written so far. */
  onProgress?: (plainBytesWritten: number) => void
}

/**
 * As {@link readArchive}, but writes the plain bytes to an open file, pipe or device from its current position on. The
 * caller syncs and closes it.
 * @throws ArchiveError as {@link readArchive}
 */
export async function readArchiveInto(
  fd: number,
  parts: AsyncIterable<ReceivedPart>,
  options: ReadArchiveIntoOptions,
): Promise<RestoredSummary> {
  const reader = readArchive(parts, options)
  let written = 0
  for await (const block of reader) {
    for (let offset = 0; offset < block.length; ) offset += writeSync(fd, block, offset)
    written += block.length
    options.onProgress?.(written)
  }
  return reader.summary
}

async function* readBlocks(
  parts: AsyncIterable<ReceivedPart>,
  options: ReadArchiveOptions,
  onEnd: (summary: RestoredSummary) => void,
): AsyncGenerator<Buffer, void> {
  const run = new ArchiveRun(options.signal)
  try {
    run.atEnd(() => abandon(parts))
    const { ring, shared } = run.ring({ slots: BLOCK_SLOTS, slotSizeBytes: MAX_BLOCK_SIZE_BYTES })
    const decompressor = new Decompressor(run, shared)
    let restored: RestoredSummary | undefined
    openParts(parts, options, decompressor).then(
      summary => {
        restored = summary
      },
      error => run.fail(toArchiveError(error, 'SOURCE', 'The parts could not be fetched')),
    )
    for (;;) {
      const block = await ring.blockAvailable(run.check)
      if (!block) break
      const copy = Buffer.allocUnsafeSlow(block.length)
      copy.set(block)
      ring.release()
      yield copy
    }
    if (!restored) throw new ArchiveError('INTEGRITY', 'The decompressor ended before the last part')
    onEnd(restored)
  } catch (error) {
    throw toArchiveError(error, 'INTEGRITY', 'The archive could not be read')
  } finally {
    await run.close()
  }
}

/** Checks and decrypts the parts and hands them on; the last one only when it is certain that nothing follows it. */
async function openParts(
  parts: AsyncIterable<ReceivedPart>,
  options: ReadArchiveOptions,
  decompressor: Decompressor,
): Promise<RestoredSummary> {
  const opener = new PartOpener(options)
  const isWhole = options.partial !== true
  let count = 0
  let plainOffset: number | undefined
  let last: OpenedPart | undefined
  for await (const received of parts) {
    if (last) throw opener.surplus()
    const opened = await opener.open(received)
    count += 1
    plainOffset ??= opened.header.plainOffset
    if (isWhole ? opened.header.last : opener.isPartialEnd) last = opened
    else await decompressor.decompress({ ...opened, isEnd: false, isWhole })
  }
  if (!last || plainOffset === undefined) throw opener.incomplete()
  await decompressor.decompress({ ...last, isEnd: true, isWhole })
  const { header } = last
  return {
    parts: count,
    plainOffset,
    plainSize: header.plainOffset + header.plainSize - plainOffset,
    ...(isWhole && header.last && { plainSha256: header.wholeSha256 }),
  }
}

/** The thread that decompresses, which may have one part waiting while it works on another. */
class Decompressor {
  readonly #run: ArchiveRun
  readonly #thread: Thread
  #parts = 0
  #onRoom: () => void = () => undefined

  constructor(run: ArchiveRun, blocks: SharedBlocks) {
    const task: DecompressorTask = { blocks }
    this.#run = run
    this.#thread = run.start({
      module: '#threads/decompressor.ts',
      task,
      onMessage: (_: PartDecompressed) => {
        this.#parts -= 1
        this.#onRoom()
      },
      onFailure: error => run.fail(toArchiveError(error, 'INTEGRITY', 'Decompressing failed')),
    })
    run.atEnd(() => this.#onRoom())
  }

  async decompress(part: DecompressorPart): Promise<void> {
    while (this.#parts >= PARTS_AHEAD) {
      await new Promise<void>(resolve => {
        this.#onRoom = resolve
      })
      this.#run.check()
    }
    this.#parts += 1
    this.#thread.post(part, [part.frames.buffer])
  }
}
