import { createHash } from 'node:crypto'
import { ArchiveError } from '#archive-error.ts'
import { CheckedObject, ISO_TIME, SHA256_HEX } from '#checked-json.ts'
import type { Encryption } from '#encryption.ts'
import { type EvidenceRecord, readEvidenceRecord } from '#evidence-record.ts'
import {
  canonicalJson,
  type DocumentUnlocking,
  openEnvelope,
  parseText,
  type Signer,
  sealEnvelope,
  signText,
  unsealEnvelope,
} from '#signed-document.ts'
import { type SigningKey, signerFingerprint } from '#signing.ts'
import { readSuccession } from '#succession-line.ts'

// Evidence is signed once. The envelope that was made then is what the catalog keeps, what a chat gets
// (sealed), and what an export holds.

const KIND = 'evidence'
const EXPORT_KIND = 'evidence-export'
/** The most records of one export. */
export const MAX_RECORDS = 100_000

export interface SignedEvidence {
  record: EvidenceRecord
  /** The text that was signed, its signature and its key, as JSON. */
  envelope: string
  /** Of the signed text; the next record names it. */
  sha256: string
  /** Fingerprint. */
  signer: string
}

/** @throws ArchiveError `CONFIGURATION` when the record contradicts itself */
export function signEvidence(record: EvidenceRecord, signingKey: SigningKey): SignedEvidence {
  const text = canonicalJson(record)
  try {
    readEvidenceRecord(JSON.parse(text))
  } catch (cause) {
    throw new ArchiveError('The evidence contradicts itself', { code: 'CONFIGURATION', cause })
  }
  const signer = signerFingerprint(signingKey)
  return { record, envelope: signText(KIND, text, signingKey), sha256: hashOf(text), signer }
}

/** Compresses and encrypts an envelope for a chat. */
export async function sealEvidence(envelope: string, encryption: Encryption): Promise<Buffer> {
  return await sealEnvelope(envelope, encryption)
}

/**
 * Opens the document of a chat.
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`, `INTEGRITY`
 */
export async function openEvidence(
  bytes: Uint8Array,
  unlocking: DocumentUnlocking,
): Promise<SignedEvidence & Signer> {
  const envelope = await unsealEnvelope(KIND, bytes, unlocking)
  return readEvidence(envelope.toString('utf8'), unlocking)
}

/**
 * Checks an envelope. Every byte of it counts, also those that the signature does not cover.
 * @throws ArchiveError `INTEGRITY`
 */
export function readEvidence(
  envelope: string,
  options: Pick<DocumentUnlocking, 'mayBeSignedBy'> = {},
): SignedEvidence & Signer {
  const { text, json, ...signed } = readExactly(KIND, envelope, options)
  try {
    return { record: readEvidenceRecord(json), envelope, sha256: hashOf(text), ...signed }
  } catch (cause) {
    throw new ArchiveError('The evidence contradicts itself', { code: 'INTEGRITY', cause })
  }
}

/** What an export holds: the first element of its file. */
export interface EvidenceContents {
  format: 1
  exported_at: string
  /** Hashes of all records, in their order. */
  records: string[]
  /** Somebody chose single records: others between them are left out on purpose. */
  is_selection: boolean
}

export function signEvidenceContents(contents: EvidenceContents, signingKey: SigningKey): string {
  return signText(EXPORT_KIND, canonicalJson(contents), signingKey)
}

/** @throws ArchiveError `INTEGRITY` */
export function readEvidenceContents(envelope: string): { contents: EvidenceContents } & Signer {
  const { json, signer, before } = readExactly(EXPORT_KIND, envelope, {})
  try {
    return { contents: contentsIn(json), signer, before }
  } catch (cause) {
    throw new ArchiveError('The list of contents contradicts itself', { code: 'INTEGRITY', cause })
  }
}

function contentsIn(json: unknown): EvidenceContents {
  const fields = new CheckedObject(json)
  if (fields.integer('format') !== 1) throw new TypeError('another format than 1')
  const records = fields.array('records', { least: 0, most: MAX_RECORDS }).map(hash => {
    if (typeof hash === 'string' && SHA256_HEX.test(hash)) return hash
    throw new TypeError('a hash that is none')
  })
  return {
    format: 1,
    exported_at: fields.matching('exported_at', ISO_TIME),
    records,
    is_selection: fields.boolean('is_selection'),
  }
}

function readExactly(
  kind: string,
  envelope: string,
  options: Pick<DocumentUnlocking, 'mayBeSignedBy'>,
): { text: Buffer; json: unknown } & Signer {
  const bytes = Buffer.from(envelope)
  const opened = openEnvelope(kind, bytes, options)
  if (!isExact(kind, envelope, opened.before.length))
    throw new ArchiveError(`The ${kind} has bytes that nobody signed`, { code: 'INTEGRITY' })
  return { ...opened, json: parseText(kind, opened.text) }
}

/** The members and their order, the escapes, and the padding of base64 have one form only. */
function isExact(kind: string, envelope: string, keysBefore: number): boolean {
  const members = membersOf(envelope)
  const { [kind]: text, signature, publicKey, successions } = members
  const proofs = [signature, publicKey, ...(successions === undefined ? [] : fieldsOf(successions))]
  const lines = typeof successions === 'string' ? successions.split('\n').length : 0
  const again = JSON.stringify({ [kind]: text, signature, publicKey, successions })
  return again === envelope && lines === keysBefore && proofs.every(isPlainBase64)
}

function membersOf(envelope: string): Record<string, unknown> {
  try {
    return JSON.parse(envelope) as Record<string, unknown>
  } catch {
    return {}
  }
}

function fieldsOf(successions: unknown): unknown[] {
  const lines = String(successions).split('\n')
  return lines.flatMap(line => (readSuccession(line) ? line.split(' ').slice(1) : [undefined]))
}

function isPlainBase64(text: unknown): boolean {
  return typeof text === 'string' && Buffer.from(text, 'base64').toString('base64') === text
}

function hashOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex')
}
