import { CopyData } from '#restore/sql/copy-data.ts'
import { PassThrough } from '#restore/sql/pass-through.ts'
import { Byte, endOfWord, KIND_OF, Kind } from '#restore/sql/sql-bytes.ts'
import {
  isRuled,
  judge,
  LONGEST_RULED_STATEMENT_BYTES,
  standardStringsSetBy,
  unrestorable,
} from '#restore/sql/statement-rules.ts'
import { LONGEST_KEYWORD_BYTES, StatementShape } from '#restore/sql/statement-shape.ts'

/** Where the scanner is. */
type Mode =
  | 'statement'
  | 'string'
  | 'escape string'
  | 'quoted name'
  | 'dollar-quoted string'
  | 'line comment'
  | 'block comment'
  | 'COPY'

/** A word or a dollar tag longer than this is in no dump. */
const MAX_WORD_BYTES = 1024 * 1024
const MAX_COMMAND_BYTES = 512
const RESTRICTION = /^\\(un)?restrict [^\\]{1,256}$/
const DOLLAR_TAG = /^\$([A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/

/**
 * Lets a plain SQL dump through to psql, byte for byte but for three things: transactions of the dump's own are taken
 * out (pg_dump writes BEGIN and COMMIT round large objects, which would commit ours half way), so are settings that the
 * server does not know, and `\restrict` lines, since psql has got ours. Anything else that would leave the transaction,
 * or give psql a command of its own, is refused with `UNRESTORABLE`. It follows psql's scanner, in constant memory, and
 * the chunks may be cut anywhere.
 */
export class DumpFilter {
  readonly #unknownSettings: ReadonlySet<string>
  readonly #text = new PassThrough()
  #mode: Mode = 'statement'
  #statement = new StatementShape()
  #standardStrings = true
  /** A quote that follows an E'' string, whatever blanks and comments lie between, goes on with it. */
  #afterEscapeString = false
  #commentDepth = 0
  #dollarTag: Buffer = Buffer.alloc(0)
  #copyData = new CopyData()

  /** `unknownSettings`: what a `SET` must not name, in lower case. */
  constructor(unknownSettings: ReadonlySet<string> = new Set()) {
    this.#unknownSettings = unknownSettings
  }

  /** What psql gets of it; the pieces share the chunk's memory. */
  push(chunk: Buffer): Buffer[] {
    // psql reads lines as C strings: what follows a zero byte would be there for us, and not for psql.
    if (chunk.includes(0)) throw unrestorable('The dump holds a zero byte; it is no plain SQL dump')
    return this.#scan(chunk, false)
  }

  /** The rest, at the end of the dump. Throws `UNRESTORABLE` when it ends in the middle of something. */
  finish(): Buffer[] {
    const out = this.#scan(Buffer.alloc(0), true)
    const isBetween = this.#mode === 'statement' || this.#mode === 'line comment'
    if (!isBetween || !this.#statement.isClosed)
      throw unrestorable(`The dump ends in the middle of a ${this.#mode}`)
    // psql would run a last statement without its semicolon together with ours.
    const end = this.#statement.begun ? '\n;\n' : '\n'
    return [...out, Buffer.from(end)]
  }

  #scan(chunk: Buffer, isLast: boolean): Buffer[] {
    this.#text.take(chunk, isLast)
    while (this.#text.waiting > 0 && this.#step());
    if (this.#text.waiting > MAX_WORD_BYTES) throw unrestorable('The dump holds a word of more than 1 MiB')
    return this.#text.passed()
  }

  /** Goes on, at most to where the mode changes; false when the bytes at hand do not tell. */
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
        return this.#inEscapeString()
      case 'dollar-quoted string':
        if (!text.skipTo(this.#dollarTag)) return false
        text.at += this.#dollarTag.length
        return this.#enter('statement')
      case 'line comment':
        return this.#inLineComment()
      case 'block comment':
        return this.#inBlockComment()
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
      if (kind === Kind.SPACE) text.at++
      else if (kind === Kind.WORD || kind === Kind.DIGIT) {
        if (!this.#word(kind === Kind.WORD)) return false
        if (this.#mode !== 'statement') return true
      } else if (kind === Kind.SPECIAL) return this.#special(byte)
      else this.#token()
    }
    return true
  }

  /** A byte that says no more than that the statement has begun. */
  #token(): true {
    this.#statement.begun = true
    this.#afterEscapeString = false
    this.#text.at++
    return true
  }

  #word(isName: boolean): boolean {
    const text = this.#text
    const end = endOfWord(text.bytes, text.at, isName)
    if (end === text.bytes.length && !text.isLast) return false
    const isKeyword = isName && end - text.at <= LONGEST_KEYWORD_BYTES
    const word = isKeyword ? text.bytes.toString('latin1', text.at, end).toLowerCase() : ''
    if (!this.#statement.begun && isRuled(word)) {
      const ruled = this.#ruledStatement(word)
      if (ruled === 'undecided') return false
      if (ruled === 'drop') return true
    }
    if (isName) this.#statement.word(word)
    this.#statement.begun = true
    this.#afterEscapeString = false
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

  #special(byte: number): boolean {
    switch (byte) {
      case Byte.QUOTE:
        return this.#quote()
      case Byte.DOUBLE_QUOTE:
        this.#token()
        return this.#enter('quoted name')
      case Byte.DOLLAR:
        return this.#dollar()
      case Byte.OPEN:
        this.#statement.parentheses++
        return this.#token()
      case Byte.CLOSE:
        this.#statement.parentheses = Math.max(0, this.#statement.parentheses - 1)
        return this.#token()
      case Byte.SEMICOLON:
        return this.#semicolon()
      case Byte.BACKSLASH:
        return this.#command()
      default:
        return this.#commentOrToken(byte)
    }
  }

  #quote(): boolean {
    const escapes = this.#afterEscapeString || !this.#standardStrings
    this.#token()
    return this.#enter(escapes ? 'escape string' : 'string')
  }

  #dollar(): boolean {
    const text = this.#text
    const end = endOfWord(text.bytes, text.at, false)
    if (end === text.bytes.length && !text.isLast) return false
    const tag = DOLLAR_TAG.exec(text.bytes.toString('latin1', text.at, end + 1))?.[0]
    this.#token()
    if (tag === undefined) return true
    this.#dollarTag = Buffer.from(tag, 'latin1')
    text.at = end + 1
    return this.#enter('dollar-quoted string')
  }

  #semicolon(): true {
    if (!this.#statement.isClosed) return this.#token()
    const isCopy = this.#statement.isCopyFromStdin
    this.#token()
    this.#statement = new StatementShape()
    if (!isCopy) return true
    this.#copyData = new CopyData()
    return this.#enter('COPY')
  }

  /** Of psql's own commands a dump has `\restrict` and `\unrestrict`, each in a line of its own. */
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
      return this.#enter('line comment')
    }
    if (byte === Byte.SLASH && second === Byte.STAR) {
      text.at += 2
      this.#commentDepth = 1
      return this.#enter('block comment')
    }
    return this.#token()
  }

  #inCopy(): boolean {
    const step = this.#copyData.step(this.#text)
    if (step === 'end') this.#enter('statement')
    return step !== 'undecided'
  }

  #inEscapeString(): boolean {
    const text = this.#text
    while (text.waiting > 0) {
      const byte = text.bytes[text.at]
      if (byte === Byte.BACKSLASH && text.waiting === 1 && !text.isLast) return false
      text.at += byte === Byte.BACKSLASH ? 2 : 1
      if (byte !== Byte.QUOTE) continue
      this.#afterEscapeString = true
      return this.#enter('statement')
    }
    return true
  }

  #inLineComment(): boolean {
    const text = this.#text
    while (text.waiting > 0) {
      const byte = text.bytes[text.at++]
      if (byte === Byte.NEWLINE || byte === Byte.RETURN) return this.#enter('statement')
    }
    return true
  }

  #inBlockComment(): boolean {
    const text = this.#text
    while (text.waiting > 1) {
      const [byte, next] = [text.bytes[text.at], text.bytes[text.at + 1]]
      const opens = byte === Byte.SLASH && next === Byte.STAR
      const closes = byte === Byte.STAR && next === Byte.SLASH
      text.at += opens || closes ? 2 : 1
      if (opens) this.#commentDepth++
      if (closes && --this.#commentDepth === 0) return this.#enter('statement')
    }
    return false
  }
}
