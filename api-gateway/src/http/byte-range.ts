import type { ByteRange } from '@telegram-backup/engine/restore/contents.ts'
import { BackupError } from '@telegram-backup/errors'

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
