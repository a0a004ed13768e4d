import { BlockComment } from '#postgres/restore/sql/block-comment.ts'
import { CopyData } from '#postgres/restore/sql/copy-data.ts'
import { LONGEST_COPY_BYTES, readCopyStatement } from '#postgres/restore/sql/copy-statement.ts'
import type { DumpReader } from '#postgres/restore/sql/dump-reader.ts'
import { skipEscapeString } from '#postgres/restore/sql/escape-string.ts'
import { LineComment } from '#postgres/restore/sql/line-comment.ts'
import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'
import { Byte, endOfWord, KIND_OF, Kind } from '#postgres/restore/sql/sql-bytes.ts'
import {
  isRuled,
  judge,
  LONGEST_RULED_STATEMENT_BYTES,
  standardStringsSetBy,
  unrestorable,
} from '#postgres/restore/sql/statement-rules.ts'
import { LONGEST_KEYWORD_BYTES, StatementShape } from '#postgres/restore/sql/statement-shape.ts'

type Mode =
  | 'statement'
  | 'string'
  | 'escape string'
  | 'quoted name'
  | 'dollar-quoted string'
  | 'line comment'
  | 'block comment'
  | 'COPY'

/** No dump has a longer word or dollar tag. */
const MAX_WORD_BYTES = 1024 * 1024
const MAX_COMMAND_BYTES = 512
const RESTRICTION = /^\\(un)?restrict [^\\]{1,256}$/
const DOLLAR_TAG = /^\$([A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/

/**
 * Finds the statements of a plain SQL dump. It follows psql's scanner, in constant memory; chunks may be cut
 * anywhere. It leaves out the dump's own transactions (pg_dump writes BEGIN and COMMIT round large objects),
 * settings that the server does not know, and `\restrict` lines. Throws `UNRESTORABLE`.
 */
export class DumpScanner {
  readonly #unknownSettings: ReadonlySet<string>
  readonly #text: PassThrough
  readonly #reader: DumpReader
  #mode: Mode = 'statement'
  #statement = new StatementShape()
  #standardStrings = true
  /** A quote after an E'' string continues it, if a line break lies between. */
  #afterEscapeString: 'no' | 'same line' | 'next line' = 'no'
  #comment = new BlockComment()
  #dollarTag: Buffer = Buffer.alloc(0)
  #copyData = new CopyData(false)
  #line = new LineComment()

  /**
   * @param text what the reader keeps or drops
   * @param unknownSettings settings to leave out, in lower case
   */
  constructor(of: { text: PassThrough; reader: DumpReader; unknownSettings?: ReadonlySet<string> }) {
    this.#text = of.text
    this.#reader = of.reader
    this.#unknownSettings = of.unknownSettings ?? new Set()
  }

  /** Scans the chunk. */
  push(chunk: Buffer): void {
    // psql reads lines as C strings: it would not see what follows a zero byte.
    if (chunk.includes(0)) throw unrestorable('The dump holds a zero byte; it is no plain SQL dump')
    this.#scan(chunk, false)
  }

  /** Scans the rest. Throws `UNRESTORABLE` when the dump ends in the middle of something. */
  finish(): void {
    this.#scan(Buffer.alloc(0), true)
    const isBetween = this.#mode === 'statement' || this.#mode === 'line comment'
    if (!isBetween || !this.#statement.isClosed)
      throw unrestorable(`The dump ends in the middle of a ${this.#mode}`)
    if (this.#statement.begun) this.#reader.end()
  }

  #scan(chunk: Buffer, isLast: boolean): void {
    const text = this.#text
    text.take(chunk, isLast)
    while (text.waiting > 0 && this.#step());
    if (text.waiting > MAX_WORD_BYTES) throw unrestorable('The dump holds a word of more than 1 MiB')
  }

  /** Scans on, at most to where the mode changes; false when more bytes are needed. */
  #step(): boolean {
    const text = this.#text
    switch (this.#mode) {
      case 'statement':
        return this.#inStatement()
      case 'string':
        return text.skipPast(Byte.QUOTE) && this.#enter('statement')
      case 'quoted name':
        return text.skipPast(Byte.DOUBLE_QUOTE) && this.#enter('statement')
      case 'escape string':
        if (!skipEscapeString(text)) return false
        this.#afterEscapeString = 'same line'
        return this.#enter('statement')
      case 'dollar-quoted string':
        if (!text.skipTo(this.#dollarTag)) return false
        text.at += this.#dollarTag.length
        return this.#enter('statement')
      case 'line comment':
        return this.#inLineComment()
      case 'block comment':
        return this.#comment.step(text) && this.#enter('statement')
      case 'COPY':
        return this.#inCopy()
    }
  }

  #enter(mode: Mode): true {
    this.#mode = mode
    return true
  }

  #inStatement(): boolean {
    const text = this.#text
    while (text.waiting > 0) {
      const byte = text.bytes[text.at] as number
      const kind = KIND_OF[byte]
      if (kind === Kind.SPACE) this.#blank(byte)
      else if (kind === Kind.WORD || kind === Kind.DIGIT) {
        if (!this.#word(kind === Kind.WORD)) return false
        if (this.#mode !== 'statement') return true
      } else if (kind === Kind.SPECIAL) return this.#special(byte)
      else if (!this.#token()) return false
    }
    return true
  }

  #blank(byte: number): void {
    this.#text.at++
    if (this.#afterEscapeString === 'no' || (byte !== Byte.NEWLINE && byte !== Byte.RETURN)) return
    this.#afterEscapeString = 'next line'
  }

  /** Any other byte: the statement has begun. */
  #token(): boolean {
    if (!this.#statement.begun && !this.#reader.begin('')) return false
    this.#statement.begun = true
    this.#afterEscapeString = 'no'
    this.#text.at++
    return true
  }

  #word(isName: boolean): boolean {
    const text = this.#text
    const end = endOfWord(text.bytes, text.at, isName)
    if (end === text.bytes.length && !text.isLast) return false
    const isKeyword = isName && end - text.at <= LONGEST_KEYWORD_BYTES
    const word = isKeyword ? text.bytes.toString('latin1', text.at, end).toLowerCase() : ''
    if (!this.#statement.begun) {
      if (word === 'copy') return this.#copyStatement()
      const ruled = isRuled(word) ? this.#ruledStatement(word) : 'keep'
      if (ruled === 'undecided') return false
      if (ruled === 'drop') return true
      if (!this.#reader.begin(word)) return false
    }
    if (isName) this.#statement.word(word)
    this.#statement.begun = true
    this.#afterEscapeString = 'no'
    text.at = end
    if (text.bytes[end] !== Byte.QUOTE || !/^[ebx]$/.test(word)) return true
    text.at++
    return this.#enter(word === 'e' ? 'escape string' : 'string')
  }

  #ruledStatement(word: string): 'keep' | 'drop' | 'undecided' {
    const { bytes, at, waiting, isLast } = this.#text
    const limit = Math.min(bytes.length, at + LONGEST_RULED_STATEMENT_BYTES)
    const semicolon = bytes.subarray(at, limit).indexOf(Byte.SEMICOLON)
    if (semicolon < 0 && waiting < LONGEST_RULED_STATEMENT_BYTES && !isLast) return 'undecided'
    const statement = semicolon < 0 ? undefined : bytes.toString('latin1', at, at + semicolon + 1)
    const verdict = judge(word, statement, this.#unknownSettings)
    if (verdict === 'drop') this.#text.drop(at + semicolon + 1)
    else if (statement !== undefined)
      this.#standardStrings = standardStringsSetBy(statement) ?? this.#standardStrings
    return verdict
  }

  /** EXECUTE cannot run a COPY from stdin; psql gets it in our words. */
  #copyStatement(): boolean {
    const text = this.#text
    const copy = readCopyStatement(text.bytes, text.at)
    if (copy === undefined) {
      if (text.waiting < LONGEST_COPY_BYTES && !text.isLast) return false
      throw unrestorable(
        'The dump holds a COPY of another kind than pg_dump’s own, which is COPY … FROM stdin',
      )
    }
    const isKept = this.#reader.copy(copy)
    text.at += copy.length
    this.#copyData = new CopyData(isKept)
    return this.#enter('COPY')
  }

  #special(byte: number): boolean {
    switch (byte) {
      case Byte.QUOTE:
        return this.#quote()
      case Byte.DOUBLE_QUOTE:
        return this.#token() && this.#enter('quoted name')
      case Byte.DOLLAR:
        return this.#dollar()
      case Byte.OPEN:
        if (!this.#token()) return false
        this.#statement.parentheses++
        return true
      case Byte.CLOSE:
        if (!this.#token()) return false
        this.#statement.parentheses = Math.max(0, this.#statement.parentheses - 1)
        return true
      case Byte.SEMICOLON:
        return this.#semicolon()
      case Byte.BACKSLASH:
        return this.#command()
      default:
        return this.#commentOrToken(byte)
    }
  }

  #quote(): boolean {
    const escapes = this.#afterEscapeString === 'next line' || !this.#standardStrings
    return this.#token() && this.#enter(escapes ? 'escape string' : 'string')
  }

  #dollar(): boolean {
    const text = this.#text
    const end = endOfWord(text.bytes, text.at, false)
    if (end === text.bytes.length && !text.isLast) return false
    const tag = DOLLAR_TAG.exec(text.bytes.toString('latin1', text.at, end + 1))?.[0]
    if (!this.#token()) return false
    if (tag === undefined) return true
    this.#dollarTag = Buffer.from(tag, 'latin1')
    text.at = end + 1
    return this.#enter('dollar-quoted string')
  }

  #semicolon(): boolean {
    const { begun, isClosed } = this.#statement
    if (!isClosed) return this.#token()
    // It stays between rows; behind an empty statement it is left out.
    this.#text.at++
    if (!begun) return true
    this.#reader.end()
    this.#afterEscapeString = 'no'
    this.#statement = new StatementShape()
    return true
  }

  /** Dumps have `\restrict` and `\unrestrict` of psql's commands, each in its own line. */
  #command(): boolean {
    const { bytes, at, waiting, isLast } = this.#text
    const newline = bytes.indexOf(Byte.NEWLINE, at)
    if (newline < 0 && waiting <= MAX_COMMAND_BYTES && !isLast) return false
    const line = bytes.toString('latin1', at, newline < 0 ? at + MAX_COMMAND_BYTES : newline)
    if (this.#statement.begun || !RESTRICTION.test(line)) {
      throw unrestorable('The dump holds a command for psql itself (a backslash), which is not run')
    }
    this.#text.drop(newline < 0 ? bytes.length : newline)
    return true
  }

  #commentOrToken(byte: number): boolean {
    const text = this.#text
    const second = text.bytes[text.at + 1]
    if (second === undefined && !text.isLast) return false
    if (byte === Byte.MINUS && second === Byte.MINUS) {
      text.at += 2
      this.#line = new LineComment()
      return this.#enter('line comment')
    }
    if (byte === Byte.SLASH && second === Byte.STAR) {
      text.at += 2
      this.#comment = new BlockComment()
      this.#afterEscapeString = 'no'
      return this.#enter('block comment')
    }
    return this.#token()
  }

  #inCopy(): boolean {
    const step = this.#copyData.step(this.#text)
    if (step === 'end') this.#enter('statement')
    return step !== 'undecided'
  }

  #inLineComment(): boolean {
    if (!this.#line.step(this.#text)) return false
    if (!this.#statement.begun) this.#reader.comment?.(this.#line.words)
    if (this.#afterEscapeString !== 'no') this.#afterEscapeString = 'next line'
    return this.#enter('statement')
  }
}
