import { memberPathOf } from '@telegram-backup/archive'
import { plainPath } from '#directory/members-of-tar.ts'

/** One character of a pattern, or a wildcard; a class is a test of one character. */
type Token = string | '*any' | '*one' | ((character: string) => boolean)
type Segment = '**' | Token[]

/** `isPlain`: without a backslash, so that it may be a wildcard. */
interface PatternCharacter {
  character: string
  isPlain: boolean
}
type Characters = readonly PatternCharacter[]

/**
 * A pattern of paths: `*`, `?` and `[a-z]` stand for characters between two slashes, `**` for any number of
 * names. A backslash takes away the meaning of the next character; names may also be written as `ls -b`
 * prints them. A text that is the path of a member stands for that member, whatever characters it holds.
 */
export class PathPattern {
  readonly text: string
  /** The paths that the text is by itself: as it stands, and without the escapes of `ls -b`. */
  readonly #literals: readonly string[]
  readonly #segments: Segment[]

  constructor(text: string) {
    this.text = text
    const plain = plainPath(text)
    const characters = charactersOf(plain)
    this.#literals = [plain, characters.map(({ character }) => character).join('')]
    this.#segments = plain === '.' ? [] : segmentsOf(characters)
  }

  /** @param path of a member */
  matches(path: string): boolean {
    return this.#end(path, { orAbove: false })
  }

  /** Whether it matches the path, or a folder above it; the folder of all is `.`. @param path of a member */
  covers(path: string): boolean {
    return this.#end(path, { orAbove: true })
  }

  /** Keeps all places of the pattern that the names so far lead to, so no pattern takes long. */
  #end(path: string, { orAbove }: { orAbove: boolean }): boolean {
    for (const literal of this.#literals) {
      if (path === literal || (orAbove && path.startsWith(`${literal}/`))) return true
    }
    const names = path === '.' ? [] : path.split('/')
    const last = this.#segments.length
    let places = this.#open([0])
    if (orAbove && places.has(last)) return true
    for (const name of names) {
      places = this.#open(
        [...places].flatMap(place => {
          const segment = this.#segments[place]
          if (segment === undefined) return []
          if (segment === '**') return place === last - 1 ? [place, last] : [place]
          return matchesName(segment, name) ? [place + 1] : []
        }),
      )
      if (orAbove && places.has(last)) return true
      if (places.size === 0) return false
    }
    return places.has(last)
  }

  /** `**` may also stand for no name, but at the end, where it stands for what is in a folder. */
  #open(places: readonly number[]): Set<number> {
    const open = new Set<number>()
    for (let place of places) {
      for (open.add(place); this.#segments[place] === '**' && place + 1 < this.#segments.length; ) {
        place += 1
        open.add(place)
      }
    }
    return open
  }
}

/** Names as `ls -b` prints them: bytes in octal, a letter, or the character itself. */
const ESCAPES = /((?:\\[0-3][0-7]{2})+)|\\(.)|(.)/gsu
const MEANINGS: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
}

function charactersOf(pattern: string): PatternCharacter[] {
  const characters: PatternCharacter[] = []
  for (const [, octal, escaped, plain] of pattern.matchAll(ESCAPES)) {
    if (plain !== undefined) characters.push({ character: plain, isPlain: true })
    else {
      const meant =
        octal === undefined ? (MEANINGS[escaped ?? ''] ?? escaped ?? '') : memberPathOf(bytesOf(octal))
      for (const character of meant) characters.push({ character, isPlain: false })
    }
  }
  return characters
}

function segmentsOf(pattern: Characters): Segment[] {
  const segments: Segment[] = []
  let characters: PatternCharacter[] = []
  const close = (): void => {
    const isAny = characters.length === 2 && characters.every(one => one.isPlain && one.character === '*')
    if (!isAny) segments.push(tokensOf(characters))
    else if (segments.at(-1) !== '**') segments.push('**')
    characters = []
  }
  for (const one of pattern) {
    if (one.isPlain && one.character === '/') close()
    else characters.push(one)
  }
  close()
  return segments
}

function bytesOf(octal: string): Buffer {
  const [, ...numbers] = octal.split('\\')
  return Buffer.from(numbers.map(digits => Number.parseInt(digits, 8)))
}

function tokensOf(characters: Characters): Token[] {
  const tokens: Token[] = []
  for (let at = 0; at < characters.length; at++) {
    const { character, isPlain } = characters[at] as PatternCharacter
    if (isPlain && character === '*') {
      if (tokens.at(-1) !== '*any') tokens.push('*any')
    } else if (isPlain && character === '?') tokens.push('*one')
    else {
      const end = isPlain && character === '[' ? endOfClass(characters, at) : -1
      if (end < 0) tokens.push(character)
      else {
        tokens.push(classOf(characters.slice(at + 1, end)))
        at = end
      }
    }
  }
  return tokens
}

/** Where the class that begins there ends; -1 if it does not, then the bracket stands for itself. */
function endOfClass(characters: Characters, start: number): number {
  const isNegated = isSign(characters[start + 1], '!^')
  const first = start + (isNegated ? 2 : 1)
  // A bracket in the first place is one of the characters.
  return characters.findIndex(({ character, isPlain }, at) => at > first && isPlain && character === ']')
}

function classOf(characters: Characters): (character: string) => boolean {
  const isNegated = isSign(characters[0], '!^')
  const rest = isNegated ? characters.slice(1) : characters
  const ranges: [number, number][] = []
  for (let at = 0; at < rest.length; at++) {
    const from = codeOf(rest[at]?.character)
    const isRange = isSign(rest[at + 1], '-') && at + 2 < rest.length
    ranges.push([from, isRange ? codeOf(rest[at + 2]?.character) : from])
    if (isRange) at += 2
  }
  return character => {
    const code = codeOf(character)
    return ranges.some(([from, to]) => from <= code && code <= to) !== isNegated
  }
}

function isSign(one: Characters[number] | undefined, signs: string): boolean {
  return one?.isPlain === true && signs.includes(one.character)
}

function codeOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? -1
}

/** Goes back only to the last `*`, so it takes no longer than both lengths multiplied. */
function matchesName(tokens: readonly Token[], name: string): boolean {
  const characters = [...name]
  let [at, place] = [0, 0]
  let star: { place: number; at: number } | undefined
  while (at < characters.length) {
    const token = tokens[place]
    if (token === '*any') {
      star = { place, at }
      place += 1
    } else if (token !== undefined && matchesCharacter(token, characters[at] as string)) {
      at += 1
      place += 1
    } else if (star !== undefined) {
      star.at += 1
      at = star.at
      place = star.place + 1
    } else return false
  }
  while (tokens[place] === '*any') place += 1
  return place === tokens.length
}

function matchesCharacter(token: Token, character: string): boolean {
  if (typeof token === 'function') return token(character)
  return token === '*one' || token === character
}
