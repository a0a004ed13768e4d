import { decryptAgeFile, encryptAgeFile, type PlainPieces } from '#age-file.ts'
import { ArchiveError } from '#archive-error.ts'
import { assertIdentity, assertRecipient } from '#identities.ts'

/** Public keys (`age1…`) that can open the bytes, one at least; or clear text, by its name only. */
export type Encryption = { recipients: readonly string[] } | 'off'

/** Their lines must fit into what a reader takes for an age header (64 KiB). */
const MAX_RECIPIENTS = 256

/**
 * The recipients; none when encryption was turned off.
 * @throws ArchiveError `NO_KEY` unless there is a recipient or encryption was turned off by name; `CONFIGURATION`
 *   for more than 256 recipients
 */
export function recipientsOf(encryption: Encryption): readonly string[] {
  if (encryption === 'off') return []
  // Callers in JavaScript may pass anything; whatever is not a list of keys must not end in clear text.
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

/** Makes sealed files: age files, or copies of the bytes when encryption is off. */
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

/** What opens sealed files. */
export interface Unlocking {
  /** Private keys (`AGE-SECRET-KEY-1…`); may be empty when nothing is encrypted. */
  identities: readonly string[]
  /** Whether the files are encrypted, as their sender recorded it. */
  encrypted: boolean
}

/** @throws ArchiveError `NO_KEY` when there is nothing to decrypt with, `CONFIGURATION` (a malformed identity) */
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
 * The reverse of {@link Seal}, piece by piece.
 * @throws ArchiveError `WRONG_KEY`, `INTEGRITY`; the latter also while iterating
 */
export async function unsealPieces(sealed: Uint8Array, unlocking: Unlocking): Promise<PlainPieces> {
  if (unlocking.encrypted) return decryptAgeFile(sealed, unlocking.identities)
  return { sizeBytes: sealed.length, pieces: [sealed] }
}

/**
 * The reverse of {@link Seal} in one piece, in memory of its own.
 * @throws ArchiveError `WRONG_KEY`, `INTEGRITY`
 */
export async function unseal(sealed: Uint8Array, unlocking: Unlocking): Promise<Buffer> {
  return joined(await unsealPieces(sealed, unlocking))
}

/**
 * All pieces, in memory of their own.
 * @throws ArchiveError as the iteration over them
 */
export function joined({ sizeBytes, pieces }: PlainPieces): Buffer {
  // A negative size is that of a file which is cut short; the iteration tells.
  const whole = Buffer.allocUnsafeSlow(Math.max(0, sizeBytes))
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.length
  }
  return whole
}
