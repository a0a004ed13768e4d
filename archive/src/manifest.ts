import { ArchiveError } from '#archive-error.ts'
import { BOT_ID, CheckedObject, ISO_TIME, SHA256_HEX, UUID } from '#checked-json.ts'
import type { Encryption } from '#encryption.ts'
import { MAX_INDEX_TEXT_LENGTH, type MemberIndex } from '#member-index.ts'
import { type BackupIdentity, readIdentity } from '#part-header.ts'
import {
  canonicalJson,
  type DocumentUnlocking,
  openDocument,
  type Signer,
  sealDocument,
} from '#signed-document.ts'
import type { SigningKey } from '#signing.ts'

/** A part in the chat. Sizes and offsets in bytes, hashes in hex. */
export interface ManifestPart {
  /** From 1, without gaps. */
  number: number
  /** As sent. */
  size: number
  sha256: string
  plainOffset: number
  plainSize: number
  messageId: number
  /** Belongs to the bot of the manifest. */
  fileId: string
}

/** The content of a backup, and its commit mark in the chat. Bytes, hex, ISO 8601. */
export interface Manifest {
  format: 1
  /** The newest manifest below all of these parts: a link of the chain. */
  previousManifestMessageId?: number
  /** The catalog that wrote it (UUID), and its generation. */
  catalogId?: string
  generation?: number
  /** The bot of the file ids; absent if unknown. */
  botId?: string
  backup: BackupIdentity
  source: Record<string, unknown>
  /** Its source in the configuration, and its tags, when it was sent. Absent for none. */
  sourceName?: string
  tags?: string[]
  createdAt: string
  completedAt: string
  expiresAt?: string
  plainSize: number
  plainSha256: string
  /** Sum of the parts as sent. */
  archiveSize: number
  /** Of all parts joined. */
  archiveSha256: string
  encrypted: boolean
  /** Most bytes of a part. */
  partSizeBytes: number
  parts: ManifestPart[]
  /** Of a tar file. */
  members?: MemberIndex
}

const MAX_PARTS = 1_000_000

/**
 * Canonical JSON, signed, compressed, encrypted.
 * @throws ArchiveError `NO_KEY`; `CONFIGURATION` when the manifest contradicts itself
 */
export async function sealManifest(
  manifest: Manifest,
  options: { encryption: Encryption; signingKey: SigningKey },
): Promise<Buffer> {
  const text = canonicalJson(manifest)
  try {
    readManifest(JSON.parse(text))
  } catch (cause) {
    throw new ArchiveError('The manifest contradicts itself', { code: 'CONFIGURATION', cause })
  }
  return sealDocument('manifest', text, options)
}

/**
 * Opens the file of a manifest, and checks its signature; the caller judges the signer by its fingerprint.
 * @throws ArchiveError `NO_KEY`, `WRONG_KEY`, `INTEGRITY`
 */
export async function openManifest(
  bytes: Uint8Array,
  options: DocumentUnlocking,
): Promise<{ manifest: Manifest } & Signer> {
  const { json, ...signed } = await openDocument('manifest', bytes, options)
  try {
    return { manifest: readManifest(json), ...signed }
  } catch (cause) {
    throw new ArchiveError('The manifest contradicts itself', { code: 'INTEGRITY', cause })
  }
}

function readManifest(json: unknown): Manifest {
  const fields = new CheckedObject(json)
  if (fields.integer('format') !== 1) throw new TypeError('another format than 1')
  const manifest: Manifest = {
    format: 1,
    ...(fields.has('previousManifestMessageId') && {
      previousManifestMessageId: fields.integer('previousManifestMessageId', 1),
    }),
    ...(fields.has('catalogId') && { catalogId: fields.matching('catalogId', UUID) }),
    ...(fields.has('generation') && { generation: fields.integer('generation') }),
    ...(fields.has('botId') && { botId: fields.matching('botId', BOT_ID) }),
    backup: readIdentity(fields.object('backup')),
    source: fields.record('source'),
    ...(fields.has('sourceName') && { sourceName: fields.storable('sourceName', 256) }),
    ...(fields.has('tags') && { tags: fields.tags('tags') }),
    createdAt: fields.matching('createdAt', ISO_TIME),
    completedAt: fields.matching('completedAt', ISO_TIME),
    ...(fields.has('expiresAt') && { expiresAt: fields.matching('expiresAt', ISO_TIME) }),
    plainSize: fields.integer('plainSize'),
    plainSha256: fields.matching('plainSha256', SHA256_HEX),
    archiveSize: fields.integer('archiveSize', 1),
    archiveSha256: fields.matching('archiveSha256', SHA256_HEX),
    encrypted: fields.boolean('encrypted'),
    partSizeBytes: fields.integer('partSizeBytes', 1),
    parts: fields
      .array('parts', { least: 1, most: MAX_PARTS })
      .map(part => readPart(new CheckedObject(part))),
    ...(fields.has('members') && { members: readMembers(fields.object('members')) }),
  }
  assertPartsAddUp(manifest)
  return manifest
}

function readPart(part: CheckedObject): ManifestPart {
  return {
    number: part.integer('number', 1),
    size: part.integer('size', 1),
    sha256: part.matching('sha256', SHA256_HEX),
    plainOffset: part.integer('plainOffset'),
    plainSize: part.integer('plainSize'),
    messageId: part.integer('messageId', 1),
    fileId: part.text('fileId'),
  }
}

function readMembers(members: CheckedObject): MemberIndex {
  return {
    count: members.integer('count'),
    index: members.text('index', MAX_INDEX_TEXT_LENGTH),
    ...(members.has('attributes') && { attributes: members.text('attributes', MAX_INDEX_TEXT_LENGTH) }),
    ...(members.has('sha256') && { sha256: members.text('sha256', MAX_INDEX_TEXT_LENGTH) }),
  }
}

function assertPartsAddUp(manifest: Manifest): void {
  let plainSize = 0
  let archiveSize = 0
  for (const [index, part] of manifest.parts.entries()) {
    if (part.number !== index + 1 || part.plainOffset !== plainSize || part.size > manifest.partSizeBytes) {
      throw new TypeError(`part ${index + 1} is out of order or too large`)
    }
    plainSize += part.plainSize
    archiveSize += part.size
  }
  if (plainSize !== manifest.plainSize || archiveSize !== manifest.archiveSize) {
    throw new TypeError('the sizes of the parts do not add up')
  }
}
