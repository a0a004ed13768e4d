import { decryptAgeFile, encryptAgeFile, openAgeFile, type PlainPieces, type PlainRanges } from '#age-file.ts'
import { ArchiveError } from '#archive-error.ts'
import { assertIdentity, assertRecipient } from '#identities.ts'

/** Public keys (`age1…`), at least one; or clear text, by name. */
export type Encryption = { recipients: readonly string[] } | 'off'

/** Their lines must fit into the longest header that is read (64 KiB). */
const MAX_RECIPIENTS = 256

/**
 * The recipients; none when encryption is off.
 * @throws ArchiveError `NO_KEY` without recipients, `CONFIGURATION` for more than 256
 */
export function recipientsOf(encryption: Encryption): readonly string[] {
  if (encryption === 'off') return []
  // JavaScript callers may pass anything; only a list of keys or 'off' is accepted.
  const recipients: unknown = encryption?.recipients
  if (!Array.isArray(recipients) || recipients.length === 0) {
    throw new ArchiveError('There is no key to encrypt with', {
      code: 'NO_KEY',
      hint: "Give at least one recipient (age1…), or turn encryption off by saying 'off'.",
    })
  }
  if (recipients.length > MAX_RECIPIENTS) {
    throw new ArchiveError(`${recipients.length} recipients are more than ${MAX_RECIPIENTS}`, {
      code: 'CONFIGURATION',
    })
  }
  return [...recipients]
}

/** Makes age files, or copies when encryption is off. */
export type Seal = (plain: Uint8Array) => Promise<Buffer>

/** @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a malformed recipient) */
export function sealFor(encryption: Encryption): Seal {
  if (encryption === 'off') return async plain => Buffer.from(plain)
  const recipients = checkedRecipients(encryption)
  return plain => encryptAgeFile(plain, recipients)
}

/** @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a malformed recipient) */
export function checkedRecipients(encryption: Encryption): readonly string[] {
  const recipients = recipientsOf(encryption)
  recipients.forEach(assertRecipient)
  return recipients
}

export interface Unlocking {
  /** Private keys (`AGE-SECRET-KEY-1…`); may be empty without encryption. */
  identities: readonly string[]
  /** As the sender recorded it. */
  encrypted: boolean
}

/** @throws ArchiveError `NO_KEY`, `CONFIGURATION` (a malformed identity) */
export function assertUnlocking({ identities, encrypted }: Unlocking): void {
  if (encrypted && identities.length === 0) {
    throw new ArchiveError('The bytes are encrypted and no identity was given', {
      code: 'NO_KEY',
      hint: 'Give the file with the private key (AGE-SECRET-KEY-1…) that belongs to the recipients.',
    })
  }
  identities.forEach(assertIdentity)
}

/**
 * The reverse of {@link Seal}.
 * @throws ArchiveError `WRONG_KEY`, `INTEGRITY`; the latter also while iterating
 */
export async function unsealPieces(sealed: Uint8Array, unlocking: Unlocking): Promise<PlainPieces> {
  if (unlocking.encrypted) return decryptAgeFile(sealed, unlocking.identities)
  return { sizeBytes: sealed.length, pieces: [sealed] }
}

/**
 * The same, for reading ranges.
 * @throws ArchiveError `WRONG_KEY`, `INTEGRITY`; the latter also while iterating
 */
export async function unsealRanges(sealed: Uint8Array, unlocking: Unlocking): Promise<PlainRanges> {
  if (unlocking.encrypted) return openAgeFile(sealed, unlocking.identities)
  return { sizeBytes: sealed.length, read: (start = 0, end = sealed.length) => [sealed.subarray(start, end)] }
}

/**
 * The same in one piece, in its own memory.
 * @throws ArchiveError `WRONG_KEY`, `INTEGRITY`
 */
export async function unseal(sealed: Uint8Array, unlocking: Unlocking): Promise<Buffer> {
  return joined(await unsealPieces(sealed, unlocking))
}

/** All pieces, in their own memory. */
export function joined({ sizeBytes, pieces }: PlainPieces): Buffer {
  // A file that is cut short has a negative size; the iteration throws.
  const whole = Buffer.allocUnsafeSlow(Math.max(0, sizeBytes))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.length
  }
  return whole
}
