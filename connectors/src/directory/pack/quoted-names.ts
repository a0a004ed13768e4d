const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  '\\': 92,
  '?': 63,
}

/** Pattern of a name in double quotes as C writes it, with octal escapes for what is not ASCII. */
export const QUOTED_NAME: string = String.raw`"(?:[^"\\]|\\[0-7]{3}|\\[^0-7])*"`

/** The bytes of a name as tar writes it with `--quoting-style=c`. @param quoted with its quotation marks */
export function unquoteName(quoted: string): Buffer {
  const text = quoted.slice(1, -1)
  const bytes = Buffer.alloc(text.length)
  let length = 0
  for (let index = 0; index < text.length; length++) {
    if (text[index] !== '\\') {
      bytes[length] = text.charCodeAt(index)
      index += 1
      continue
    }
    const octal = /^[0-7]{3}/.exec(text.slice(index + 1, index + 4))?.[0]
    bytes[length] = octal === undefined ? (ESCAPES[text[index + 1] ?? ''] ?? 0) : Number.parseInt(octal, 8)
    index += octal === undefined ? 2 : 4
  }
  return bytes.subarray(0, length)
}

/** A member's name without the `./` that tar puts before it and the `/` after a folder; the root is `.`. */
export function relativeName(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/^\.\//, '').replace(/\/+$/, '')
  return Buffer.from(text === '' ? '.' : text, 'latin1')
}
