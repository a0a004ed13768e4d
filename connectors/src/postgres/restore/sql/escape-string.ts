import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte } from '#postgres/restore/sql/sql-bytes.ts'

/** Goes on in an E'' string, to behind its last quote; false when the bytes at hand do not hold that. */
export function skipEscapeString(text: PassThrough): boolean {
  while (text.waiting > 0) {
    const byte = text.bytes[text.at]
    if (byte === Byte.BACKSLASH && text.waiting === 1 && !text.isLast) return false
    text.at += byte === Byte.BACKSLASH ? 2 : 1
    if (byte === Byte.QUOTE) return true
  }
  return false
}
