import { isSignedBy, purposeOf, type SigningKey, signBytes, signerFingerprint } from '#signing.ts'
import { readSuccession, type Succession } from '#succession-line.ts'

const PURPOSE = purposeOf('succession')
/** The most statements that lead to one key. */
export const MAX_SUCCESSIONS = 64

/** The statement of the old key that the next one signs from now on, as one line. */
export function signSuccession(
  old: SigningKey,
  { publicKey }: { readonly publicKey: Uint8Array },
  at: Date,
): string {
  const [from, to] = [old.publicKey, publicKey].map(key => Buffer.from(key).toString('base64'))
  const signed = `${at.toISOString()} ${from} ${to}`
  return `${signed} ${signBytes(Buffer.from(signed), PURPOSE, old).toString('base64')}`
}

/**
 * The fingerprints of the keys before this one, oldest first, if each statement is signed by the key that it
 * leaves, the next statement begins where it ends, the last one ends at this key, and no key comes twice. A
 * chain that is cut, forged or another key's proves nothing: then there are none.
 * @param lines the statements, oldest first
 */
export function keysBefore(publicKey: Uint8Array, lines: readonly string[]): string[] {
  if (lines.length > MAX_SUCCESSIONS) return []
  const keys = [signerFingerprint({ publicKey })]
  let next = publicKey
  for (const line of lines.toReversed()) {
    const succession = readSuccession(line)
    if (succession === undefined || !Buffer.from(succession.to).equals(next)) return []
    if (!isProven(succession)) return []
    next = succession.from
    keys.unshift(signerFingerprint({ publicKey: next }))
  }
  return new Set(keys).size === keys.length ? keys.slice(0, -1) : []
}

function isProven({ from, signed, signature }: Succession): boolean {
  try {
    return isSignedBy(from, { bytes: Buffer.from(signed), purpose: PURPOSE, signature })
  } catch {
    // 32 bytes that are no key.
    return false
  }
}
