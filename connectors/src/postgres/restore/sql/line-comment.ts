import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte } from '#postgres/restore/sql/sql-bytes.ts'

/** More than the line in which pg_dump names an object. */
const MOST_BYTES = 4096

/** A comment behind its `--`, to the end of the line. */
export class LineComment {
  /** As bytes in Latin-1; the beginning of a longer line. */
  words = ''

  /** Scans to behind the line; false when more bytes are needed. */
  step(text: PassThrough): boolean {
    const from = text.at
    while (text.waiting > 0) {
      const byte = text.bytes[text.at++]
      if (byte !== Byte.NEWLINE && byte !== Byte.RETURN) continue
      this.#read(text.bytes, { from, to: text.at - 1 })
      return true
    }
    this.#read(text.bytes, { from, to: text.at })
    return false
  }

  #read(bytes: Buffer, { from, to }: { from: number; to: number }): void {
    const end = Math.min(to, from + MOST_BYTES - this.words.length)
    this.words += bytes.toString('latin1', from, end)
  }
}
