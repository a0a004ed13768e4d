import { isUtf8 } from 'node:buffer'
import { ArchiveError } from '#archive-error.ts'

// Names on Linux are bytes, nearly always UTF-8. A byte outside of UTF-8 is written as the lone surrogate
// U+DC00 + byte, which no text contains: Python's "surrogateescape" (PEP 383).

const ESCAPE_BASE = 0xdc00
/** With the `u` flag, halves of a pair do not match. */
const ESCAPED_BYTES = /([\udc80-\udcff]+)/u

/** The path for any bytes. {@link memberPathBytes} is the reverse. */
export function memberPathOf(bytes: Uint8Array): string {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isUtf8(name)) return name.toString('utf8')
  let path = ''
  for (let offset = 0; offset < name.length; ) {
    const length = characterBytes(name, offset)
    path +=
      length === 0
        ? String.fromCharCode(ESCAPE_BASE + (name[offset] ?? 0))
        : name.toString('utf8', offset, offset + length)
    offset += Math.max(1, length)
  }
  return path
}

/** @throws ArchiveError `CONFIGURATION` for half a surrogate pair that means no byte */
export function memberPathBytes(path: string): Buffer {
  if (path.isWellFormed()) return Buffer.from(path)
  const pieces = path.split(ESCAPED_BYTES).map((piece, index) => {
    // Every other piece is a match.
    if (index % 2 === 1) return Buffer.from(Array.from(piece, escaped => escaped.charCodeAt(0) - ESCAPE_BASE))
    if (!piece.isWellFormed())
      throw new ArchiveError('The path holds half a character', { code: 'CONFIGURATION' })
    return Buffer.from(piece)
  })
  return Buffer.concat(pieces)
}

/** Length of the UTF-8 character at the offset, 0 when there is none. */
function characterBytes(bytes: Buffer, offset: number): number {
  for (let length = 1; length <= 4 && offset + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(offset, offset + length))) return length
  }
  return 0
}
