import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte, KIND_OF, Kind } from '#postgres/restore/sql/sql-bytes.ts'
import { unrestorable } from '#postgres/restore/sql/statement-rules.ts'

const END_MARK = Buffer.from('\n\\.')
const END_LINE = Buffer.from('\\.\n')
const END_LINE_OF_DOS = Buffer.from('\\.\r\n')

/** Whether a piece of the kept bytes is the line that ends the data. */
export function isEndLine(piece: Buffer): boolean {
  return piece === END_LINE || piece === END_LINE_OF_DOS
}

/**
 * The data of a `COPY … FROM stdin`, from behind its semicolon to the line `\.`. Their end must be the same
 * for psql (`handleCopyIn`), which obeys what follows: a line that only begins like the last one is refused.
 */
export class CopyData {
  readonly #isKept: boolean
  #place: 'statement line' | 'line start' | 'data' = 'statement line'
  #last: number | undefined

  constructor(isKept: boolean) {
    this.#isKept = isKept
  }

  /** Scans on; 'undecided' when more bytes are needed. */
  step(text: PassThrough): 'end' | 'more' | 'undecided' {
    if (this.#place === 'statement line') return this.#toLineEnd(text)
    const mark = this.#place === 'line start' ? END_MARK.subarray(1) : END_MARK
    if (this.#place === 'data') {
      const isFound = text.skipTo(mark)
      this.#last = text.bytes[text.at - 1] ?? this.#last
      if (!isFound) return 'undecided'
    }
    const { bytes, at, isLast } = text
    const end = at + mark.length
    if (bytes.length < end + 2 && !isLast) return 'undecided'
    this.#place = 'data'
    if (!bytes.subarray(at, end).equals(mark)) return 'more'
    const [ending] = /^(?:\r?\n|$)/.exec(bytes.toString('latin1', end, end + 2)) ?? []
    if (ending === undefined) throw unrestorable('The data of a COPY hold a line that begins with \\.')
    text.at = end - 2
    text.isKeeping = false
    text.drop(end + ending.length)
    // PostgreSQL wants the same line ends everywhere; files from Windows have other ones.
    if (this.#isKept) text.put(this.#last === Byte.RETURN ? END_LINE_OF_DOS : END_LINE)
    return 'end'
  }

  #toLineEnd(text: PassThrough): 'more' {
    const byte = text.bytes[text.at] as number
    if (KIND_OF[byte] !== Kind.SPACE)
      throw unrestorable('The data of a COPY do not begin on a line of their own')
    text.at++
    if (byte !== Byte.NEWLINE) return 'more'
    this.#place = 'line start'
    text.isKeeping = this.#isKept
    return 'more'
  }
}
