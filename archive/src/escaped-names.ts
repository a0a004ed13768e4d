import { memberPathBytes, memberPathOf } from '#member-path.ts'

// Ends a word or line, changes a terminal, or is a byte outside of UTF-8 (a lone surrogate).
const ESCAPED = /[\\ \p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const LETTERS: ReadonlyMap<string, string> = new Map([
  ...Object.entries({ '\\': '\\', ' ': ' ', '\x07': 'a', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r' }),
  ...Object.entries({ '\t': 't', '\v': 'v' }),
])
const MEANINGS: ReadonlyMap<string, string> = new Map([...LETTERS].map(([meant, letter]) => [letter, meant]))

/** A path as `ls -b` writes names: one word, which {@link unescapeName} turns back. */
export function escapeName(path: string): string {
  return path.replace(ESCAPED, character => {
    const letter = LETTERS.get(character)
    if (letter !== undefined) return `\\${letter}`
    return [...memberPathBytes(character)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  })
}

/** The reverse of {@link escapeName}; undefined for a text that it has not escaped. */
export function unescapeName(text: string): string | undefined {
  if (!text.includes('\\') || /\\(?![0-3][0-7]{2}|[\\ abfnrtv])/.test(text.replaceAll('\\\\', '')))
    return undefined
  const pieces = text.split(/(\\[0-3][0-7]{2}|\\.)/s).map(piece => {
    if (!piece.startsWith('\\')) return Buffer.from(piece)
    const meant = MEANINGS.get(piece.slice(1))
    return meant === undefined ? Buffer.from([Number.parseInt(piece.slice(1), 8)]) : Buffer.from(meant)
  })
  return memberPathOf(Buffer.concat(pieces))
}

/** A path on one line, by {@link escapeName} if need be. */
export function shownName(path: string): string {
  return /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(path) ? escapeName(path) : path
}

/** As {@link shownName}, of a name's bytes. */
export function shownBytes(bytes: Uint8Array): string {
  return shownName(memberPathOf(bytes))
}

/** The bytes of a path that is not UTF-8, in base64, for JSON. */
export function base64Of(path: string): { path_base64?: string } {
  return path.isWellFormed() ? {} : { path_base64: memberPathBytes(path).toString('base64') }
}
