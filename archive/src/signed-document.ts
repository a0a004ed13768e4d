import { ArchiveError } from '#archive-error.ts'
import { CheckedObject } from '#checked-json.ts'
import { assertUnlocking, type Encryption, sealFor, type Unlocking, unseal } from '#encryption.ts'
import { isSignedBy, type SigningKey, signBytes, signerFingerprint } from '#signing.ts'
import { compressFrame, decompressFrame } from '#zstd-frame.ts'

/** A text of ours, with the fingerprint of the key that signed it. Whose key that is, the caller has to know. */
export interface SignedText {
  text: string
  signer: string
}

/** Longest envelope that a reader takes; the manifest of 100,000 parts has about 35 MB. */
const MAX_ENVELOPE_BYTES = 64 * 1024 * 1024
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * Signs, compresses and encrypts a text. `kind` names what it is, and is signed with it, so that no document passes
 * for one of another kind.
 * @throws ArchiveError `NO_KEY`
 */
export async function sealDocument(
  kind: string,
  text: string,
  options: { encryption: Encryption; signingKey: SigningKey },
): Promise<Buffer> {
  const { signingKey, encryption } = options
  const envelope = JSON.stringify({
    [kind]: text,
    signature: signBytes(Buffer.from(text), purposeOf(kind), signingKey).toString('base64'),
    publicKey: Buffer.from(signingKey.publicKey).toString('base64'),
  })
  return sealFor(encryption)(compressFrame(Buffer.from(envelope)))
}

/**
 * The reverse of {@link sealDocument}.
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`; `INTEGRITY` when it is damaged or the signature does not fit
 */
export async function openDocument(
  kind: string,
  bytes: Uint8Array,
  unlocking: Unlocking,
): Promise<SignedText> {
  assertUnlocking(unlocking)
  const frame = await unseal(bytes, unlocking)
  let envelope: CheckedObject
  try {
    const json = decompressFrame(frame, MAX_ENVELOPE_BYTES)
    envelope = new CheckedObject(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)))
  } catch (cause) {
    throw new ArchiveError('INTEGRITY', `The ${kind} is damaged or not one`, { cause })
  }
  const { text, publicKey, signature } = readEnvelope(kind, envelope)
  if (!isSignedBy(publicKey, { bytes: Buffer.from(text), purpose: purposeOf(kind), signature })) {
    throw new ArchiveError('INTEGRITY', `The signature of the ${kind} does not fit`)
  }
  return { text, signer: signerFingerprint({ publicKey }) }
}

function readEnvelope(
  kind: string,
  envelope: CheckedObject,
): { text: string; publicKey: Uint8Array; signature: Uint8Array } {
  try {
    return {
      text: envelope.text(kind, MAX_ENVELOPE_BYTES),
      publicKey: Buffer.from(envelope.matching('publicKey', BASE64), 'base64'),
      signature: Buffer.from(envelope.matching('signature', BASE64), 'base64'),
    }
  } catch (cause) {
    throw new ArchiveError('INTEGRITY', `The envelope of the ${kind} is not one`, { cause })
  }
}

function purposeOf(kind: string): string {
  return `telegram-backup ${kind} 1`
}
