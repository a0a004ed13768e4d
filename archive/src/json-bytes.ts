// JSON as bytes. JSON.parse uses up to thirty times the memory of its text, so text of unknown origin is
// checked here before it becomes a value.

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const FIRST_PRINTABLE = 0x20
const SPACES: readonly number[] = [0x20, 0x0a, 0x0d, 0x09]
const SURROGATE_PAIR = /^\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/
const ONE_ESCAPE = /^\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])/
const LONGEST_ESCAPE_BYTES = 12
/** No member has a longer name. */
const LONGEST_NAME_BYTES = 64

/** The place of a string literal, without its quotes. */
export interface StringPlace {
  start: number
  end: number
}

/**
 * The strings of a JSON object, by name; the last of equal names counts, as for JSON.parse. Other values are
 * skipped.
 * @throws TypeError when it is no object, has no member, or more than `most` members
 */
export function stringMembers(json: Buffer, most: number): Map<string, StringPlace> {
  const places = new Map<string, StringPlace>()
  let at = expect(json, skipSpaces(json, 0), OPEN_BRACE)
  for (let members = 0; ; members++) {
    if (members === most) throw new TypeError('more members than there may be')
    const name = stringAt(json, skipSpaces(json, at))
    at = skipSpaces(json, expect(json, skipSpaces(json, name.end + 1), COLON))
    if (json[at] === QUOTE) {
      const value = stringAt(json, at)
      if (name.end - name.start <= LONGEST_NAME_BYTES)
        places.set(unescapeString(json, name).toString('utf8'), value)
      at = value.end + 1
    } else {
      at = skipValue(json, at)
    }
    at = skipSpaces(json, at)
    if (json[at] === CLOSE_BRACE) break
    at = expect(json, at, COMMA)
  }
  if (skipSpaces(json, at + 1) !== json.length) throw new TypeError('something follows the object')
  return places
}

/**
 * The UTF-8 bytes of a string literal, in their own memory.
 * @throws TypeError for an unknown escape
 */
export function unescapeString(json: Buffer, { start, end }: StringPlace): Buffer {
  // An escape is never shorter than its meaning.
  const plain = Buffer.allocUnsafeSlow(end - start)
  let length = 0
  for (let at = start; at < end; at++) {
    const byte = json[at] ?? 0
    if (byte !== BACKSLASH) {
      plain[length++] = byte
      continue
    }
    const next = json[at + 1] ?? 0
    if (next === QUOTE || next === BACKSLASH) {
      plain[length++] = next
      at++
      continue
    }
    const escaped = escapeAt(json.toString('latin1', at, Math.min(at + LONGEST_ESCAPE_BYTES, end)))
    length += plain.write(JSON.parse(`"${escaped}"`) as string, length, 'utf8')
    at += escaped.length - 1
  }
  return plain.subarray(0, length)
}

/** A surrogate pair counts as one escape. */
function escapeAt(text: string): string {
  const [found] = SURROGATE_PAIR.exec(text) ?? ONE_ESCAPE.exec(text) ?? []
  if (found === undefined) throw new TypeError('an escape that is none')
  return found
}

/** Upper bound of the heap that JSON.parse uses, text included; measured with Node 24. */
export function parsedSizeBytes(json: Buffer): number {
  let containers = 0
  let commas = 0
  let colons = 0
  let strings = 0
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) {
      at = stringAt(json, at).end
      strings++
    } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) containers++
    else if (byte === COMMA) commas++
    else if (byte === COLON) colons++
  }
  return 2 * json.length + 64 * containers + 24 * commas + 96 * colons + 32 * strings
}

function stringAt(json: Buffer, at: number): StringPlace {
  const start = expect(json, at, QUOTE)
  for (let end = start; end < json.length; end++) {
    const byte = json[end] ?? 0
    if (byte === QUOTE) return { start, end }
    if (byte === BACKSLASH) end++
    else if (byte < FIRST_PRINTABLE) break
  }
  throw new TypeError('a string without an end')
}

/** Moves behind a value that is no string, without checking it. */
function skipValue(json: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) at = stringAt(json, at).end
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++
    else if (depth === 0 && (byte === COMMA || byte === CLOSE_BRACE)) return at
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--
  }
  throw new TypeError('a value without an end')
}

function skipSpaces(json: Buffer, start: number): number {
  let at = start
  while (SPACES.includes(json[at] ?? -1)) at++
  return at
}

function expect(json: Buffer, at: number, byte: number): number {
  if (json[at] !== byte) throw new TypeError(`no ${JSON.stringify(String.fromCharCode(byte))}`)
  return at + 1
}
