import type { ByteRange } from '@telegram-backup/engine/restore/read-ranges.ts'
import { BackupError } from '@telegram-backup/errors'

/**
 * Reads the header `Range`. Returns undefined, which means the whole, without a header, for several ranges,
 * and for anything else that is not a range of bytes. Throws `RANGE` for a range that holds no byte.
 */
export function readRange(header: string | undefined, size: number): ByteRange | undefined {
  // A position with more digits than a number holds is beyond the end all the same.
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (from === '' && to === '') return undefined
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined
  const range =
    from === ''
      ? { start: Math.max(0, size - Number(to)), end: size }
      : { start: Number(from), end: to === '' ? size : Math.min(size, Number(to) + 1) }
  if (range.start < range.end) return range
  throw new BackupError('The range begins after the end of the bytes', {
    code: 'RANGE',
    hint: 'Content-Range says how many bytes there are.',
  })
}
