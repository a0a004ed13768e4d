import { BackupError } from '@telegram-backup/errors'

/** Bytes from `start` up to `end`, which is not among them; at least one. */
export interface ByteRange {
  start: number
  end: number
}

/**
 * The range that the header `Range` asks for, of so many bytes; undefined for the whole: without a header, for several ranges, and for
 * what is no range of bytes. Throws `RANGE` for one of which there is nothing.
 */
export function readRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? []
  if (from === '' && to === '') return undefined
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined
  const range =
    from === ''
      ? { start: Math.max(0, size - Number(to)), end: size }
      : { start: Number(from), end: to === '' ? size : Math.min(size, Number(to) + 1) }
  if (range.start < range.end) return range
  throw new BackupError('The range lies beyond the end of the backup', {
    code: 'RANGE',
    hint: 'Content-Range says how many bytes there are.',
  })
}

/** What of these bytes lies in the range, when they begin at `offset`. Throws `INTEGRITY` when they end before it does. */
export async function* within(
  bytes: AsyncIterable<Buffer>,
  { offset, range }: { offset: number; range: ByteRange },
): AsyncGenerator<Buffer> {
  let at = offset
  for await (const chunk of bytes) {
    const piece = chunk.subarray(Math.max(0, range.start - at), Math.max(0, range.end - at))
    at += chunk.length
    if (piece.length > 0) yield piece
    if (at >= range.end) return
  }
  throw new BackupError('The parts hold fewer bytes than the catalog says', {
    code: 'INTEGRITY',
    hint: 'telegram-backup verify tells which part it is.',
  })
}
