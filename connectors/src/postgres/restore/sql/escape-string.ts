import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte } from '#postgres/restore/sql/sql-bytes.ts'

/** Scans to behind the last quote of an E'' string; false when more bytes are needed. */
export function skipEscapeString(text: PassThrough): boolean {
  while (text.waiting > 0) {
    const byte = text.bytes[text.at]
    if (byte === Byte.BACKSLASH && text.waiting === 1 && !text.isLast) return false
    text.at += byte === Byte.BACKSLASH ? 2 : 1
    if (byte === Byte.QUOTE) return true
  }
  return false
}
