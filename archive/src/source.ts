import { Readable } from 'node:stream'
import { ArchiveError } from '#archive-error.ts'
import type { BlockRing } from '#threads/block-ring.ts'
import { BlockWriter } from '#threads/block-writer.ts'

/**
 * Where plain bytes come from.
 * - `fd`: an open file, FIFO or pipe. A thread reads it from its current position to its end, so that its bytes stay
 *   off the main thread; this is the fast way. The caller closes it after the archive ended. Linux; sockets,
 *   terminals and pipes of another user are refused (`SOURCE`): give them as a stream.
 * - `Uint8Array`: must not be changed before the archive ended.
 * - iterable, for example a Node Readable: chunks of any length. Strings are taken as UTF-8, in which half a surrogate
 *   pair becomes U+FFFD; give bytes that are no text as bytes, since decoding them has destroyed them already.
 */
export type ArchiveSource = { fd: number } | Uint8Array | AsyncIterable<Uint8Array | string>

/**
 * Whether the source is a descriptor for the reader thread. A stream on a file has an `fd`, too, but has read ahead
 * of it.
 */
export function isDescriptor(source: ArchiveSource): source is { fd: number } {
  return !(source instanceof Uint8Array) && !(Symbol.asyncIterator in source)
}

/** Copies the bytes of an array or a stream into the ring's blocks, in step with whoever empties them. */
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
      // Others have the memory when the run has ended meanwhile.
      check()
      const piece = chunk.subarray(offset, offset + room.length)
      room.set(piece)
      writer.advance(piece.length)
      offset += piece.length
    }
  }
  writer.flush()
  await writer.roomAvailable(check)
  writer.end()
}

/** Lets go of an iterable that is no longer wanted, also when it is stalled and will never answer. */
export function abandon(source: unknown): void {
  if (source instanceof Readable) source.destroy()
}
