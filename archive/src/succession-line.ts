/**
 * A statement of a signing key: another key signs from now on. Its text is one line, `TIME FROM TO
 * SIGNATURE`: a time (ISO 8601 in UTC), two raw public keys and a signature, all three in base64. The key
 * FROM signs the text before the last blank.
 */
export interface Succession {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly signed: string
  readonly signature: Uint8Array
}

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
const KEY = '[A-Za-z0-9+/]{43}='
const LINE = new RegExp(`^(${TIME} (${KEY}) (${KEY})) ([A-Za-z0-9+/]{86}==)$`)

/** The lines of a text that are statements by their form; they prove nothing yet. */
export function successionLines(text: string): string[] {
  return text.split('\n').filter(line => LINE.test(line))
}

/** Undefined for a line of another form. */
export function readSuccession(line: string): Succession | undefined {
  const [, signed, from, to, signature] = LINE.exec(line) ?? []
  if (signed === undefined || from === undefined || to === undefined || signature === undefined)
    return undefined
  const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64')
  return { signed, from: bytes(from), to: bytes(to), signature: bytes(signature) }
}
