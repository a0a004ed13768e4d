import { createHash, randomUUID } from 'node:crypto'
import {
  type NamedPack,
  openPack,
  PackBuilder,
  type PackBuilderOptions,
  type PackedExtent,
  type PackHeader,
  type PackIdentity,
  type PutRecord,
  type SealedPack,
  type SigningKey,
} from '#index.ts'
import { SKIPPABLE_PREFIX_BYTES, writeSkippablePrefix } from '#part-header.ts'
import { canonicalJson, signText } from '#signed-document.ts'
import { newKeyText, parseKeyFile } from '#signing.ts'
import { KEYS, sha256 } from '#test/sample-archives.ts'

/** The key of all packs of one test file. */
export const SIGNING_KEY: SigningKey = parseKeyFile(newKeyText(), 'a key for tests')

export const BUCKET: PackBuilderOptions['bucket'] = {
  id: randomUUID(),
  name: 'laptops',
  kind: 'restic',
  project: 'office',
}
export const SMALL_PACK_BYTES: number = 16 * 1024
export const TIME = '2026-12-01T05:33:00.000Z'

/** As bytes are opened without encryption, and with it. */
export const CLEAR: { identities: string[]; encrypted: boolean } = { identities: [], encrypted: false }
export const ENCRYPTED: { identities: string[]; encrypted: boolean } = {
  identities: [KEYS.identity],
  encrypted: true,
}

export function builderOf(options: Partial<PackBuilderOptions> = {}): PackBuilder {
  const encryption = { recipients: [KEYS.recipient] }
  return new PackBuilder({ bucket: BUCKET, encryption, signingKey: SIGNING_KEY, ...options })
}

export function identityOf(sequence: number, names: readonly NamedPack[] = []): PackIdentity {
  return { pack: randomUUID(), catalogId: BUCKET.id, sequence, createdAt: TIME, names }
}

export function putOf(key: string, bytes: Uint8Array, extents: PackedExtent[]): PutRecord {
  return { put: key, id: randomUUID(), size: bytes.length, sha256: sha256(bytes), at: TIME, extents }
}

/** A pack in its own memory, as it comes from a chat. */
export type SentPack = SealedPack & { bytes: Buffer }

/** Seals and gives the builder's memory back. */
export async function sentBy(
  builder: PackBuilder,
  identity: PackIdentity = identityOf(1),
): Promise<SentPack> {
  const sealed = await builder.seal(identity)
  const sent = { ...sealed, bytes: Buffer.from(sealed.bytes) }
  builder.release()
  return sent
}

/** A pack without encryption that a holder of the signing key made by hand. */
export function forged(
  header: object | string,
  frames: Uint8Array,
  { spaces = 0 }: { spaces?: number } = {},
): Buffer {
  const text = typeof header === 'string' ? header : canonicalJson(header)
  const envelope = Buffer.from(signText('pack', text, SIGNING_KEY) + ' '.repeat(spaces))
  const prefix = Buffer.alloc(SKIPPABLE_PREFIX_BYTES)
  writeSkippablePrefix(prefix, envelope.length)
  return Buffer.concat([prefix, envelope, frames])
}

/** A header for {@link forged}, that fits these frames. */
export function headerOf(frames: readonly Uint8Array[], plainSizes: readonly number[]): PackHeader {
  const joined = Buffer.concat(frames)
  return {
    format: 1,
    kind: 'pack',
    ...identityOf(1),
    names: [],
    bucket: BUCKET,
    frames: frames.map(({ length }, index) => [length, plainSizes[index] ?? 0]),
    framesSha256: createHash('sha256').update(joined).digest('hex'),
    records: [],
  }
}

/** Plain bytes of an extent. */
export async function readOf(
  bytes: Uint8Array,
  extent?: { offset: number; length: number },
  unlocking: typeof CLEAR = ENCRYPTED,
): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of (await openPack(bytes, unlocking)).read(extent)) pieces.push(piece)
  return Buffer.concat(pieces)
}
