import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { ArchiveRun } from '#archive-run.ts'
import { EarlySync } from '#early-sync.ts'
import { assertUnlocking } from '#encryption.ts'
import type { PartExpectations, ReceivedPart } from '#part-opener.ts'
import { abandon } from '#source.ts'
import type { BlocksWritten, FileWriterTask } from '#threads/file-writer.ts'
import { type RestoredSummary, startUnpacking } from '#unpacking.ts'

/** The plain bytes, to be iterated once. Leaving the loop ends the thread. */
export interface ArchiveReader extends AsyncIterable<Buffer> {
  /** @throws ArchiveError `CONFIGURATION` before the iteration ended without an error */
  readonly summary: RestoredSummary
}

export interface ReadArchiveOptions extends PartExpectations {
  signal?: AbortSignal
}

/**
 * Checks, decrypts and decompresses the parts, which must come in order. Nothing of a part comes out before
 * its SHA-256, age tags and header were checked; the bytes are complete only when the iteration ends without
 * an error. One part is decrypted while another is decompressed; parts are asked for no faster than the bytes
 * are taken.
 * @throws ArchiveError at the call: `NO_KEY`, `CONFIGURATION`; while iterating: `WRONG_KEY` and `INTEGRITY`
 * (with `partNumber`), `SOURCE` (the iterable of the parts failed), `CANCELLED`
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
      throw new ArchiveError('The archive has no summary before its end was verified', {
        code: 'CONFIGURATION',
      })
    },
    [Symbol.asyncIterator]: () => blocks,
  }
}

export interface ReadArchiveIntoOptions extends ReadArchiveOptions {
  /** The file is new and empty: runs of zeros become holes. A pipe or a device gets its zeros. */
  sparse?: boolean | undefined
  /** Called with the number of written plain bytes. */
  onProgress?: ((plainBytesWritten: number) => void) | undefined
}

/**
 * As {@link readArchive}, but a thread writes the plain bytes to an open file, pipe or device (no terminal,
 * no socket), from its current position. They are complete only when this resolves. A file is synced on the
 * way, so that the caller's own sync takes less time; the caller closes it.
 * @throws ArchiveError as {@link readArchive}, and `TARGET` when writing fails
 */
export async function readArchiveInto(
  fd: number,
  parts: AsyncIterable<ReceivedPart>,
  options: ReadArchiveIntoOptions,
): Promise<RestoredSummary> {
  assertUnlocking(options)
  const run = new ArchiveRun(options.signal)
  const sync = new EarlySync(fd, error => run.fail(notWritten(error)))
  try {
    run.atEnd(() => abandon(parts))
    const { plain, summary } = startUnpacking(run, parts, { ...options, hashesWhole: false })
    const progress = run.progress(options.onProgress)
    const { partial, sparse = false } = options
    const task = { fd, blocks: plain.shared, hashes: partial !== true, sparse }
    const written = await writeBlocks(run, task, plainBytes => {
      sync.written(plainBytes)
      progress(plainBytes)
    })
    await sync.settled()
    run.check()
    return verified(summary(), written)
  } catch (error) {
    throw toArchiveError(error, 'INTEGRITY', 'The archive could not be read')
  } finally {
    await run.close()
    // The caller may close the descriptor now.
    await sync.settled()
  }
}

/** @throws ArchiveError `INTEGRITY` unless all restored bytes were written */
function verified(restored: RestoredSummary | undefined, written: BlocksWritten): RestoredSummary {
  if (restored?.plainSize !== written.plainBytes) {
    throw new ArchiveError(`${written.plainBytes} bytes were written of ${restored?.plainSize}`, {
      code: 'INTEGRITY',
    })
  }
  if (restored.plainSha256 !== written.sha256) {
    throw new ArchiveError('The parts do not belong together: the SHA-256 of the whole differs', {
      code: 'INTEGRITY',
      partNumber: restored.parts,
    })
  }
  return restored
}

/** Resolves when all blocks of the ring are written. */
function writeBlocks(
  run: ArchiveRun,
  task: FileWriterTask,
  onProgress: (plainBytes: number) => void,
): Promise<BlocksWritten> {
  return new Promise((resolve, reject) => {
    run.failed().catch(reject)
    run.start<BlocksWritten>({
      module: '#threads/file-writer.ts',
      task,
      onMessage: written => {
        if (written.isEnd) resolve(written)
        else onProgress(written.plainBytes)
      },
      onFailure: error => run.fail(notWritten(error)),
    })
  })
}

function notWritten(error: Error): ArchiveError {
  return toArchiveError(error, 'TARGET', 'The restored bytes could not be written')
}

async function* readBlocks(
  parts: AsyncIterable<ReceivedPart>,
  options: ReadArchiveOptions,
  onEnd: (summary: RestoredSummary) => void,
): AsyncGenerator<Buffer, void> {
  const run = new ArchiveRun(options.signal)
  try {
    run.atEnd(() => abandon(parts))
    const { plain, summary } = startUnpacking(run, parts, { ...options, hashesWhole: true })
    for (;;) {
      const block = await plain.ring.blockAvailable(run.check)
      if (!block) break
      const copy = Buffer.allocUnsafeSlow(block.length)
      copy.set(block)
      plain.ring.release()
      yield copy
    }
    const restored = summary()
    if (!restored)
      throw new ArchiveError('The decompressor ended before the last part', { code: 'INTEGRITY' })
    onEnd(restored)
  } catch (error) {
    throw toArchiveError(error, 'INTEGRITY', 'The archive could not be read')
  } finally {
    await run.close()
  }
}
