import { ageLibrary } from '#age-file.ts'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { readSecretFile } from '#secret-file.ts'

const RECIPIENT = /^age1[02-9ac-hj-np-z]{58}$/
const IDENTITY = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/

/** A new pair of age keys (X25519), as `age-keygen` makes them. */
export async function generateIdentity(): Promise<{ identity: string; recipient: string }> {
  const identity = await ageLibrary().generateX25519Identity()
  return { identity, recipient: await recipientOf(identity) }
}

/**
 * The public key of a private one.
 * @throws ArchiveError `CONFIGURATION` when it is no age X25519 identity
 */
export async function recipientOf(identity: string): Promise<string> {
  assertIdentity(identity)
  return ageLibrary().identityToRecipient(identity)
}

/** @throws ArchiveError `CONFIGURATION` when it is not an age X25519 identity. */
export function assertIdentity(identity: string): void {
  if (isIdentity(identity)) return
  throw new ArchiveError('An identity is not a valid age private key', {
    code: 'CONFIGURATION',
    hint: 'It begins with AGE-SECRET-KEY-1 and has 74 characters.',
  })
}

function isIdentity(text: string): boolean {
  if (!IDENTITY.test(text)) return false
  try {
    ;new (ageLibrary().Decrypter)().addIdentity(text)
    return true
  } catch {
    // A wrong checksum. The library's message is dropped, since it contains the key.
    return false
  }
}

/**
 * @throws ArchiveError `CONFIGURATION` for anything but an age X25519 recipient. Other kinds (post-quantum,
 * plugins) are refused: the `age` of today's distributions does not open them.
 */
export function assertRecipient(recipient: string): void {
  if (/^AGE-SECRET-KEY-/i.test(recipient)) {
    throw new ArchiveError('A secret key was given where a public key belongs', {
      code: 'CONFIGURATION',
      hint: 'Give the public key, age1…; the secret one stays in its file, best off this machine.',
    })
  }
  try {
    if (!RECIPIENT.test(recipient)) throw new TypeError('not of the form age1…')
    ;new (ageLibrary().Encrypter)().addRecipient(recipient)
  } catch {
    throw new ArchiveError('A recipient is not a valid age public key', {
      code: 'CONFIGURATION',
      hint: 'It begins with age1, has 62 characters, and stands in the identity file as "# public key: age1…".',
    })
  }
}

/**
 * Reads an age identity file: one private key a line, `#` begins a comment.
 * @returns one key at least
 * @throws ArchiveError `CONFIGURATION` when the file is missing, unreadable, holds no key or something else.
 */
export async function readIdentityFile(path: string): Promise<string[]> {
  const lines = readText(path)
    .split(/\r?\n/)
    .map(line => line.trim())
  const identities: string[] = []
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue
    // The line itself must not get into a message: it may be a mistyped key.
    if (!isIdentity(line)) {
      throw new ArchiveError(`Line ${index + 1} of ${path} is not an age identity`, {
        code: 'CONFIGURATION',
        hint: 'Expected AGE-SECRET-KEY-1…; a file protected by a passphrase must be decrypted first (age -d).',
      })
    }
    identities.push(line)
  }
  if (identities.length === 0) {
    throw new ArchiveError(`There is no identity in ${path}`, {
      code: 'CONFIGURATION',
      hint: 'Expected a line that begins with AGE-SECRET-KEY-1, as age-keygen writes it.',
    })
  }
  return identities
}

function readText(path: string): string {
  try {
    return readSecretFile(path)
  } catch (error) {
    throw toArchiveError(error, 'CONFIGURATION', `The identity file ${path} cannot be read`)
  }
}
