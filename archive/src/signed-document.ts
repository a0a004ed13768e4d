import { getHeapStatistics } from 'node:v8'
import { ArchiveError } from '#archive-error.ts'
import { assertUnlocking, type Encryption, sealFor, type Unlocking, unseal } from '#encryption.ts'
import { parsedSizeBytes, stringMembers, unescapeString } from '#json-bytes.ts'
import { isSignedBy, purposeOf, type SigningKey, signBytes, signerFingerprint } from '#signing.ts'
import { keysBefore, MAX_SUCCESSIONS } from '#succession.ts'
import { compressFrame, decompressFrame } from '#zstd-frame.ts'

/** Longest envelope; the manifest of 100,000 parts has about 35 MB. */
const MAX_ENVELOPE_BYTES = 64 * 1024 * 1024
/**
 * A document may unpack to this size, or to a multiple of its compressed size: hashes do not compress, and a
 * list of a million message ids does by 28.
 */
const ALWAYS_UNPACKED_BYTES = 1024 * 1024
const MAX_COMPRESSION = 128
/** An envelope's members, with room for later ones. */
const MAX_ENVELOPE_MEMBERS = 16
/** More than base64 of 64 bytes. */
const MAX_PROOF_LENGTH = 128
/** More than {@link MAX_SUCCESSIONS} statements. */
const MAX_CHAIN_LENGTH = 256 * MAX_SUCCESSIONS
/** Most heap of a parsed text; the manifest of 64 MiB needs 470 MB. */
const MAX_PARSED_BYTES = 512 * 1024 * 1024
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Signs, compresses and encrypts a text. `kind` is signed with it, so that no document passes for one of
 * another kind.
 * @throws ArchiveError `NO_KEY`
 */
export async function sealDocument(
  kind: string,
  text: string,
  options: { encryption: Encryption; signingKey: SigningKey },
): Promise<Buffer> {
  return sealEnvelope(signText(kind, text, options.signingKey), options.encryption)
}

/** The envelope, as JSON: the text, its signature, the key, and the statements that lead to this key. */
export function signText(kind: string, text: string, signingKey: SigningKey): string {
  const { successions = [] } = signingKey
  return JSON.stringify({
    [kind]: text,
    signature: signBytes(Buffer.from(text), purposeOf(kind), signingKey).toString('base64'),
    publicKey: Buffer.from(signingKey.publicKey).toString('base64'),
    ...(successions.length > 0 && { successions: successions.join('\n') }),
  })
}

/**
 * Compresses and encrypts an envelope.
 * @throws ArchiveError `NO_KEY`
 */
export async function sealEnvelope(envelope: string, encryption: Encryption): Promise<Buffer> {
  return sealFor(encryption)(compressFrame(Buffer.from(envelope)))
}

/** Who signed a document, by fingerprint. */
export interface Signer {
  readonly signer: string
  /** The keys before this one, oldest first, each of which named the next. */
  readonly before: readonly string[]
}

export interface DocumentUnlocking extends Unlocking {
  /** Called before any text is read. Default: anybody may sign. */
  mayBeSignedBy?: (signed: Signer) => boolean
}

/**
 * The reverse of {@link sealDocument}. Anybody who can post into a chat can encrypt to its public key: so the
 * signature and the signer are checked before anything becomes a value, and its memory is bounded.
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`; `INTEGRITY` for a damaged or too long document, a wrong
 * signature, or a signer that `mayBeSignedBy` refuses
 */
export async function openDocument(
  kind: string,
  bytes: Uint8Array,
  unlocking: DocumentUnlocking,
): Promise<{ json: unknown } & Signer> {
  const { text, signer, before } = openEnvelope(kind, await unsealEnvelope(kind, bytes, unlocking), unlocking)
  return { json: parseText(kind, text), signer, before }
}

/**
 * Decrypts and unpacks an envelope; it proves nothing yet.
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`, `INTEGRITY`
 */
export async function unsealEnvelope(kind: string, bytes: Uint8Array, unlocking: Unlocking): Promise<Buffer> {
  assertUnlocking(unlocking)
  const frame = await unseal(bytes, unlocking)
  try {
    const longest = Math.max(ALWAYS_UNPACKED_BYTES, MAX_COMPRESSION * frame.length)
    return decompressFrame(frame, Math.min(MAX_ENVELOPE_BYTES, longest))
  } catch (cause) {
    throw damaged(kind, cause)
  }
}

/**
 * The signed text of an envelope, and who signed it.
 * @throws ArchiveError `INTEGRITY`
 */
export function openEnvelope(
  kind: string,
  envelope: Buffer,
  { mayBeSignedBy }: Pick<DocumentUnlocking, 'mayBeSignedBy'>,
): { text: Buffer } & Signer {
  const { text, publicKey, signature, successions } = readEnvelope(kind, envelope)
  if (!isSignedBy(publicKey, { bytes: text, purpose: purposeOf(kind), signature })) {
    throw new ArchiveError(`The signature of the ${kind} does not fit`, { code: 'INTEGRITY' })
  }
  const signer = signerFingerprint({ publicKey })
  const signed = { signer, before: keysBefore(publicKey, successions) }
  if (mayBeSignedBy?.(signed) === false) {
    throw new ArchiveError(`The ${kind} is signed by ${signer}, who may not sign it`, { code: 'INTEGRITY' })
  }
  return { text, ...signed }
}

function readEnvelope(
  kind: string,
  envelope: Buffer,
): { text: Buffer; publicKey: Uint8Array; signature: Uint8Array; successions: string[] } {
  try {
    const places = stringMembers(envelope, MAX_ENVELOPE_MEMBERS)
    const member = (name: string, longest = MAX_ENVELOPE_BYTES): Buffer => {
      const place = places.get(name)
      if (place === undefined || place.end - place.start > longest) throw new TypeError(`no "${name}"`)
      return unescapeString(envelope, place)
    }
    const proof = (name: string): Buffer => {
      const base64 = member(name, MAX_PROOF_LENGTH).toString('latin1')
      if (!BASE64.test(base64)) throw new TypeError(`"${name}" is not in base64`)
      return Buffer.from(base64, 'base64')
    }
    const chain = places.has('successions') ? member('successions', MAX_CHAIN_LENGTH).toString('latin1') : ''
    return {
      text: member(kind),
      publicKey: proof('publicKey'),
      signature: proof('signature'),
      successions: chain === '' ? [] : chain.split('\n'),
    }
  } catch (cause) {
    throw damaged(kind, cause)
  }
}

function damaged(kind: string, cause: unknown): ArchiveError {
  return new ArchiveError(`The ${kind} is damaged or not one`, { code: 'INTEGRITY', cause })
}

/** @throws ArchiveError `INTEGRITY`, also for a text that would take too much memory */
export function parseText(kind: string, text: Buffer): unknown {
  const { heap_size_limit: limit, used_heap_size: used } = getHeapStatistics()
  try {
    if (parsedSizeBytes(text) <= Math.min(MAX_PARSED_BYTES, (limit - used) / 2))
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch (cause) {
    throw damaged(kind, cause)
  }
  throw new ArchiveError(`The ${kind} would take more memory to read than it may`, {
    code: 'INTEGRITY',
    hint: 'If it is one of yours: NODE_OPTIONS=--max-old-space-size=4096 gives this program more memory.',
  })
}

/** JSON with sorted keys, so that equal values have equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
