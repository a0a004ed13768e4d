/** Bytes with a meaning for psql's scanner (`psqlscan.l`). */
export const Byte = {
  TAB: 0x09,
  NEWLINE: 0x0a,
  RETURN: 0x0d,
  QUOTE: 0x27,
  DOUBLE_QUOTE: 0x22,
  DOLLAR: 0x24,
  OPEN: 0x28,
  CLOSE: 0x29,
  STAR: 0x2a,
  MINUS: 0x2d,
  DOT: 0x2e,
  SLASH: 0x2f,
  SEMICOLON: 0x3b,
  BACKSLASH: 0x5c,
} as const

export const Kind = { OTHER: 0, SPACE: 1, WORD: 2, DIGIT: 3, SPECIAL: 4 } as const

/** By byte. As in PostgreSQL, bytes from 0x80 are letters in any encoding. */
export const KIND_OF: Uint8Array = kinds()

function kinds(): Uint8Array {
  const table = new Uint8Array(256)
  for (const text of ['_', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'])
    for (const byte of Buffer.from(text)) table[byte] = Kind.WORD
  table.fill(Kind.WORD, 0x80)
  for (const byte of Buffer.from('0123456789')) table[byte] = Kind.DIGIT
  for (const byte of Buffer.from(' \t\n\r\f\v')) table[byte] = Kind.SPACE
  for (const byte of Buffer.from('\'"$()-/;\\')) table[byte] = Kind.SPECIAL
  return table
}

/** The end of the word at `at`: letters, digits, and in names `$`. */
export function endOfWord(bytes: Buffer, at: number, withDollars: boolean): number {
  let end = at + 1
  while (end < bytes.length && isWordByte(bytes[end] as number, withDollars)) end++
  return end
}

function isWordByte(byte: number, withDollars: boolean): boolean {
  const kind = KIND_OF[byte]
  return kind === Kind.WORD || kind === Kind.DIGIT || (withDollars && byte === Byte.DOLLAR)
}
