import { CatalogError } from '#catalog-error.ts'

/** Of a key of an object, in bytes of UTF-8; S3's limit. */
const MAX_KEY_BYTES = 1_024

/** 1 to 1,024 bytes of UTF-8, well-formed, without U+0000. Throws CatalogError INVALID. */
export function checkKey(key: unknown): asserts key is string {
  if (isKey(key)) return
  throw new CatalogError('Not a valid key of an object', {
    code: 'INVALID',
    hint: `Use 1 to ${MAX_KEY_BYTES} bytes of UTF-8 without a zero character.`,
  })
}

export function isKey(key: unknown): boolean {
  if (typeof key !== 'string' || key === '' || key.includes('\0') || !key.isWellFormed()) return false
  return Buffer.byteLength(key) <= MAX_KEY_BYTES
}

const FIRST_SURROGATE = 0xd800
const AFTER_SURROGATES = 0xe000
const LAST_CODE_POINT = 0x10ffff

/**
 * The first text, in the order of bytes, after all texts that begin with `prefix`; undefined when there is
 * none. The order of UTF-8 is that of code points.
 */
export function endOfPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, character => character.codePointAt(0) ?? 0)
  while (points.at(-1) === LAST_CODE_POINT) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  const next = last + 1 === FIRST_SURROGATE ? AFTER_SURROGATES : last + 1
  return String.fromCodePoint(...points, next)
}
