/** One assignment of an environment file, and where it stands in the text. */
export interface Assignment {
  readonly name: string
  readonly value: string
  /** Counted from 1. */
  readonly line: number
  /** Offsets in the text, line break included. */
  readonly start: number
  readonly end: number
}

/** A line that cannot be read. It holds no text of the file, which may be a secret. */
export class EnvironmentFault extends Error {
  readonly line: number

  constructor(line: number, words: string) {
    super(words)
    this.line = line
  }
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const LINE_BREAK = /[\n\r]/
/** A backslash between double quotes escapes these; before another character, it stays. */
const ESCAPED = /["\\`$]/

/**
 * Reads a text as systemd reads a file of `EnvironmentFile=`: NAME=value in each line; empty lines; comments
 * that begin with # or ;; 'a value' and "a value", also over several lines; a backslash at the end of a line
 * continues it. Nothing is expanded. Of two assignments of one name, the later one counts.
 *
 * systemd skips what it cannot read, which loses a setting in silence: here it is an error, and so is text
 * that systemd and a shell would read differently without a sign of it.
 * @throws EnvironmentFault
 */
export function parseEnvironment(text: string): Assignment[] {
  const found: Assignment[] = []
  const cursor = new Cursor(text)
  while (!cursor.isAtEnd) {
    const { offset: start, line } = cursor
    cursor.skip(/[ \t\n\r]/)
    if (cursor.isAtEnd) break
    if (/[#;]/.test(cursor.char)) {
      skipComment(cursor)
      continue
    }
    const at = { line: cursor.line, start: start === 0 ? cursor.offset : cursor.lineStart }
    const name = readName(cursor)
    const value = readValue(cursor, line)
    if (cursor.char === '\r') cursor.next()
    if (cursor.char === '\n') cursor.next()
    found.push({ name, value, ...at, end: cursor.offset })
  }
  return found
}

function skipComment(cursor: Cursor): void {
  const comment = cursor.take(LINE_BREAK)
  // Some versions of systemd then take the next line for a comment as well.
  if (comment.endsWith('\\'))
    throw new EnvironmentFault(cursor.line, 'a comment must not end with a backslash')
}

function readName(cursor: Cursor): string {
  const name = cursor.take(/[=\n\r]/).trimEnd()
  if (cursor.char !== '=') throw new EnvironmentFault(cursor.line, 'it is not NAME=value')
  if (/^export\s/.test(name))
    throw new EnvironmentFault(cursor.line, 'it begins with "export", which systemd does not read; remove it')
  if (!NAME.test(name))
    throw new EnvironmentFault(cursor.line, 'the text before "=" is not the name of a variable')
  cursor.next()
  return name
}

function readValue(cursor: Cursor, firstLine: number): string {
  cursor.skip(/[ \t]/)
  const { char, line } = cursor
  if (char !== '"' && char !== "'") return readBare(cursor)
  cursor.next()
  const value = char === '"' ? readDoubleQuoted(cursor) : cursor.take(/'/)
  if (cursor.isAtEnd)
    throw new EnvironmentFault(Math.max(line, firstLine), 'its quotation mark is never closed')
  cursor.next()
  cursor.skip(/[ \t]/)
  if (!cursor.isAtEnd && !LINE_BREAK.test(cursor.char))
    throw new EnvironmentFault(cursor.line, 'text follows the closing quotation mark')
  return value
}

function readBare(cursor: Cursor): string {
  let value = ''
  /** Blanks at the end are cut off, unless they are escaped. */
  let length = 0
  while (!cursor.isAtEnd && !LINE_BREAK.test(cursor.char)) {
    const { char, line } = cursor
    cursor.next()
    if (char === '\\') {
      if (!cursor.isAtEnd && !LINE_BREAK.test(cursor.char)) value += cursor.char
      length = value.length
      cursor.next()
      continue
    }
    if (char === '#' && /[ \t]$/.test(value))
      throw new EnvironmentFault(
        line,
        'a value is followed by "#": write the comment on a line of its own, or quote the value',
      )
    value += char
    if (!/[ \t]/.test(char)) length = value.length
  }
  return value.slice(0, length)
}

function readDoubleQuoted(cursor: Cursor): string {
  let value = ''
  while (!cursor.isAtEnd && cursor.char !== '"') {
    const { char } = cursor
    cursor.next()
    if (char !== '\\' || cursor.isAtEnd) {
      value += char
      continue
    }
    if (ESCAPED.test(cursor.char)) value += cursor.char
    else if (cursor.char !== '\n') value += `\\${cursor.char}`
    cursor.next()
  }
  return value
}

class Cursor {
  readonly #text: string
  offset = 0
  line = 1
  /** The offset at which the line begins. */
  lineStart = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.offset >= this.#text.length
  }

  /** Empty at the end. */
  get char(): string {
    return this.#text[this.offset] ?? ''
  }

  next(): void {
    const isLineEnd = this.char === '\n'
    this.offset += 1
    if (!isLineEnd) return
    this.line += 1
    this.lineStart = this.offset
  }

  skip(chars: RegExp): void {
    while (!this.isAtEnd && chars.test(this.char)) this.next()
  }

  /** The text before the first of these characters, or before the end. */
  take(end: RegExp): string {
    const start = this.offset
    while (!this.isAtEnd && !end.test(this.char)) this.next()
    return this.#text.slice(start, this.offset)
  }
}

/**
 * NAME=value as a line that systemd, a shell and {@link parseEnvironment} read as the same value. The value
 * may hold any character but NUL. A carriage return or line break in it stands between quotation marks.
 */
export function formatAssignment(name: string, value: string): string {
  if (!NAME.test(name)) throw new Error('not the name of a variable')
  if (value.includes('\0')) throw new Error(`the value of ${name} holds a NUL`)
  const word = /^[A-Za-z0-9_./:,@%+=-]*$/.test(value) ? value : `"${value.replace(/["\\`$]/g, '\\$&')}"`
  return `${name}=${word}\n`
}

/**
 * The text with other values: a changed name keeps its place, a new one comes at the end, and undefined
 * removes a name. Everything else stays as it is.
 * @throws EnvironmentFault if the text cannot be read
 */
export function changeAssignments(
  text: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  let result = ''
  let done = 0
  const written = new Set<string>()
  const assignments = parseEnvironment(text)
  for (const [index, { name, start, end }] of assignments.entries()) {
    if (!Object.hasOwn(changes, name)) continue
    const isLast = !assignments.slice(index + 1).some(later => later.name === name)
    const value = changes[name]
    result += text.slice(done, start)
    if (isLast && value !== undefined) result += formatAssignment(name, value)
    written.add(name)
    done = end
  }
  result += text.slice(done)
  for (const [name, value] of Object.entries(changes)) {
    if (written.has(name) || value === undefined) continue
    if (result !== '' && !result.endsWith('\n')) result += '\n'
    result += formatAssignment(name, value)
  }
  return result
}
