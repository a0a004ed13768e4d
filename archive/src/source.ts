import { Readable } from 'node:stream'
import { ArchiveError } from '#archive-error.ts'
import { copyBytes } from '#copy-bytes.ts'
import type { BlockRing } from '#threads/block-ring.ts'
import { BlockWriter } from '#threads/block-writer.ts'

/**
 * The source of plain bytes:
 * - `fd`: an open file, FIFO or pipe. A thread reads it from its current position to its end, off the main
 *   thread: the fast way. The caller closes it after the archive ended. Linux; sockets, terminals and pipes
 *   of another user are refused (`SOURCE`): give them as a stream. The `holes` of a file at its beginning, in
 *   order, are taken for zeros without reading them. A `watch` sees the bytes on their way.
 * - `Uint8Array`: must not change before the archive ended.
 * - iterable, for example a Node Readable: chunks of any length. Strings are taken as UTF-8, where half a
 *   surrogate pair becomes U+FFFD.
 */
export type ArchiveSource = DescriptorSource | Uint8Array | AsyncIterable<Uint8Array | string>

interface DescriptorSource {
  fd: number
  holes?: readonly Hole[] | undefined
  watch?: PlainWatch | undefined
}

/** Sees the plain bytes in the thread that reads them, which has time: compressing takes longer. */
export interface PlainWatch {
  /** The URL of a module that exports a {@link WatchModule}. */
  module: string
  /** For its `watch`; is cloned. */
  task: unknown
  /** Gets what the watcher found, before the last part comes out; not called when it has failed. */
  onEnd: (found: unknown) => void
}

export interface WatchModule {
  /** A watcher that throws is left out from then on: it never fails an archive. */
  watch(task: unknown): Watcher
}

export interface Watcher {
  /** The next bytes, which change after the call. */
  see(bytes: Uint8Array): void
  /** What was found, and what of it is moved to the main thread instead of cloned. */
  end(): { found: unknown; moved?: ArrayBuffer[] }
}

/** From the first byte of a hole of a sparse file to the first byte after it. */
export interface Hole {
  start: number
  end: number
}

/** False also for a stream on a file: it has an `fd`, but has read ahead. */
export function isDescriptor(source: ArchiveSource): source is DescriptorSource {
  return !(source instanceof Uint8Array) && !(Symbol.asyncIterator in source)
}

/** Copies an array or a stream into the ring's blocks, as they are emptied. */
export async function fillBlocks(
  source: Uint8Array | AsyncIterable<Uint8Array | string>,
  ring: BlockRing,
  check: () => void,
): Promise<void> {
  if (source instanceof Readable && source.readableEnded) {
    throw new ArchiveError('The stream was already read to its end', { code: 'SOURCE' })
  }
  const writer = new BlockWriter(ring)
  for await (const given of source instanceof Uint8Array ? [source] : source) {
    const chunk = typeof given === 'string' ? Buffer.from(given, 'utf8') : given
    if (!(chunk instanceof Uint8Array)) {
      throw new ArchiveError(`The source gave ${typeof chunk} instead of bytes or text`, {
        code: 'SOURCE',
        hint: 'Pass a stream of Buffers or strings, not of objects.',
      })
    }
    for (let offset = 0; offset < chunk.length; ) {
      const room = await writer.roomAvailable(check)
      // Other runs have the memory if this run has ended.
      check()
      const piece = chunk.subarray(offset, offset + room.length)
      copyBytes(room, piece)
      writer.advance(piece.length)
      offset += piece.length
    }
  }
  writer.flush()
  await writer.roomAvailable(check)
  writer.end()
}

/** Ends an unwanted iterable, even a stalled one. */
export function abandon(source: unknown): void {
  if (source instanceof Readable) source.destroy()
}
