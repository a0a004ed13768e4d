import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte } from '#postgres/restore/sql/sql-bytes.ts'

/** A comment behind its first two bytes; comments in it nest. */
export class BlockComment {
  #depth = 1

  step(text: PassThrough): boolean {
    while (text.waiting > 1) {
      const [byte, next] = [text.bytes[text.at], text.bytes[text.at + 1]]
      const opens = byte === Byte.SLASH && next === Byte.STAR
      const closes = byte === Byte.STAR && next === Byte.SLASH
      text.at += opens || closes ? 2 : 1
      if (opens) this.#depth++
      if (closes && --this.#depth === 0) return true
    }
    return false
  }
}
