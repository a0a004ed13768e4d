import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { createFile } from '#durable-files.ts'
import { assertSafeFromOthers } from '#key-file-access.ts'
import { readSecretFile } from '#secret-file.ts'
import { successionLines } from '#succession-line.ts'

/** An Ed25519 key for manifests and the index. */
export interface SigningKey {
  readonly privateKey: KeyObject
  /** Raw, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Statements that lead from earlier keys to this one, oldest first; see `succession.ts`. */
  readonly successions?: readonly string[]
}

/** DER of an Ed25519 public key before the key itself (RFC 8410). */
const PUBLIC_KEY_DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const PUBLIC_KEY_BYTES = 32

/**
 * The signing key in the file, made (PEM, PKCS #8, mode 0600) if there is none; concurrent callers get the
 * same key. A missing folder is made, for the owner alone.
 * @throws ArchiveError `CONFIGURATION` for a file that can be neither read nor made, is no Ed25519 key, or is
 * not safe from other users
 */
export async function loadOrCreateSigningKey(path: string): Promise<SigningKey> {
  let pem: string
  try {
    pem = await readOrCreate(path)
  } catch (error) {
    throw toArchiveError(error, 'CONFIGURATION', `The signing key ${path} can be neither read nor made`)
  }
  return parseKeyFile(pem, path)
}

/**
 * The key in the text of a key file: PEM, and below it the statements that lead to this key.
 * @throws ArchiveError `CONFIGURATION`
 */
export function parseKeyFile(text: string, path: string): SigningKey {
  try {
    const lines = successionLines(text)
    return { ...parseKey(text), ...(lines.length > 0 && { successions: lines }) }
  } catch (cause) {
    throw new ArchiveError(`The file ${path} does not hold a signing key`, {
      code: 'CONFIGURATION',
      cause,
      hint: 'It must be an Ed25519 private key in PEM (PKCS #8).',
    })
  }
}

/** The text of a new key in PEM. */
export function newKeyText(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

/** `SHA256:` and the SHA-256 of the raw public key in base64. */
export function signerFingerprint(key: { readonly publicKey: Uint8Array }): string {
  return `SHA256:${createHash('sha256').update(key.publicKey).digest('base64')}`
}

/** A signature of 64 bytes, valid for this `purpose` alone. */
export function signBytes(bytes: Uint8Array, purpose: string, key: SigningKey): Buffer {
  return sign(null, withPurpose(bytes, purpose), key.privateKey)
}

export function isSignedBy(
  publicKey: Uint8Array,
  signed: { bytes: Uint8Array; purpose: string; signature: Uint8Array },
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false
  const der = Buffer.concat([PUBLIC_KEY_DER_PREFIX, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verify(null, withPurpose(signed.bytes, signed.purpose), key, signed.signature)
}

/** What a signature is for, so that none passes for another kind of text. */
export function purposeOf(kind: string): string {
  return `telegram-backup ${kind} 1`
}

function withPurpose(bytes: Uint8Array, purpose: string): Buffer {
  return Buffer.concat([Buffer.from(`${purpose}\n`), bytes])
}

function parseKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem)
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new TypeError(`a key of type ${privateKey.asymmetricKeyType}`)
  }
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: new Uint8Array(der.subarray(PUBLIC_KEY_DER_PREFIX.length)) }
}

async function readOrCreate(path: string): Promise<string> {
  const existing = await readKeyFile(path).catch(ignoreCode('ENOENT'))
  if (existing !== undefined) return existing
  await makeFolder(dirname(path))
  await createFile(path, newKeyText())
  return readKeyFile(path)
}

export async function readKeyFile(path: string): Promise<string> {
  return readSecretFile(path, facts => assertSafeFromOthers(path, facts, process.getuid?.()))
}

/** As `mkdir -p`. Node's own recursion never ends in a folder that takes none, such as /proc. */
async function makeFolder(path: string): Promise<void> {
  const make = (): Promise<void> => mkdir(path, 0o700).catch(ignoreCode('EEXIST'))
  try {
    await make()
  } catch (error) {
    const parent = dirname(path)
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT') || parent === path)
      throw error
    await makeFolder(parent)
    await make()
  }
}

function ignoreCode(code: string): (error: NodeJS.ErrnoException) => undefined {
  return error => {
    if (error.code !== code) throw error
    return undefined
  }
}
