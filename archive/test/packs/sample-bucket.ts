import { randomUUID } from 'node:crypto'
import {
  type CheckpointedObject,
  type CheckpointedPack,
  type CheckpointLine,
  type Encryption,
  type NamedPack,
  PackBuilder,
  type PackedBucket,
  type PackedExtent,
  type PackRecord,
  type SealedPack,
  type SigningKey,
  writeCheckpoint,
} from '#index.ts'
import { sha256 } from '#test/sample-archives.ts'

export interface SampleBucketOptions {
  bucket: PackedBucket
  encryption: Encryption
  signingKey: SigningKey
  packSizeBytes: number
  /** Objects come in pieces of this size. */
  pieceBytes?: number
}

export interface SampleVersion {
  /** UUID. */
  id: string
  key: string
  bytes: Buffer
}

/** A bucket whose packs are kept as they would be sent. What it does, it does as a store does it. */
export class SampleBucket {
  readonly packs: SealedPack[] = []
  /** Live objects by key. */
  readonly objects: Map<string, SampleVersion> = new Map()
  readonly #options: SampleBucketOptions
  readonly #catalogId = randomUUID()
  /** Of each version, the one whose place it took. */
  readonly #firsts = new Map<string, string>()
  /** Of versions in closed packs, by the first one. */
  readonly #lines = new Map<string, CheckpointedObject>()
  readonly #sent: CheckpointedPack[] = []
  /** Puts in the pack that is being filled. */
  #filled: PackRecord[] = []
  #builder: PackBuilder

  constructor(options: SampleBucketOptions) {
    this.#options = options
    this.#builder = new PackBuilder(options)
  }

  async put(key: string, bytes: Buffer): Promise<SampleVersion> {
    const version = { id: randomUUID(), key, bytes }
    this.#firsts.set(version.id, version.id)
    await this.#write(version)
    this.objects.set(key, version)
    return version
  }

  /** Writes it again, as compaction does: also if it was deleted or overwritten meanwhile. */
  async move(of: SampleVersion): Promise<SampleVersion> {
    const version = { ...of, id: randomUUID() }
    const first = this.#firstOf(of)
    this.#firsts.set(version.id, first)
    await this.#write(version, of.id)
    if (this.#isLive(of.key, first)) this.objects.set(of.key, version)
    return version
  }

  async delete(version: SampleVersion): Promise<void> {
    const { key, id } = version
    const record = { delete: key, id, at: this.#time() }
    if (!this.#builder.hasRoomFor(0, [record])) await this.close()
    this.#builder.addRecord(record)
    if (this.#isLive(key, this.#firstOf(version))) this.objects.delete(key)
  }

  async #write({ id, key, bytes }: SampleVersion, moves?: string): Promise<void> {
    const { pieceBytes = 64 * 1024 } = this.#options
    const version = { id, size: bytes.length, sha256: sha256(bytes), at: this.#time() }
    const extents: PackedExtent[] = []
    let here: { offset: number; length: number } | undefined
    const record = (): PackRecord => ({
      put: key,
      ...version,
      ...(moves !== undefined && { moves }),
      extents: [...extents, ...(here ? [here] : [])],
    })
    const nextPack = async (): Promise<void> => {
      const at = extents.reduce((sum, { length }) => sum + length, 0)
      if (here) this.#builder.addRecord({ fragment: key, id: version.id, at, extent: here })
      const pack = await this.close()
      if (here) extents.push({ pack, ...here })
      here = undefined
    }
    for (let start = 0; start < bytes.length; start += pieceBytes) {
      const piece = bytes.subarray(start, start + pieceBytes)
      // A fragment, and the object with one more extent.
      if (!this.#builder.hasRoomFor(piece.length, [record(), record()])) await nextPack()
      const { offset, length } = this.#builder.add(piece)
      here = here ? { offset: here.offset, length: here.length + length } : { offset, length }
    }
    if (!this.#builder.hasRoomFor(0, [record()])) await nextPack()
    this.#builder.addRecord(record())
    this.#filled.push(record())
  }

  /** Seals the pack that is being filled. Gives its id. */
  async close(): Promise<string> {
    const names: NamedPack[] = this.#sent.slice(-1).map(({ id, messages: [message], ...pack }) => ({
      ...{ pack: id, messageId: message?.message ?? 0 },
      ...{ sequence: pack.sequence, size: pack.size, sha256: pack.sha256 },
    }))
    const sealed = await this.#builder.seal({ ...this.#identity(), names })
    this.#keep(sealed)
    this.#builder.release()
    this.#builder = new PackBuilder(this.#options)
    const { pack, sequence } = sealed.header
    for (const record of this.#filled) {
      if (!('put' in record)) continue
      const { put: key, extents, ...version } = record
      const first = this.#firstOf(version)
      this.#lines.set(first, {
        ...{ key, ...version, pack, sequence: this.#lines.get(first)?.sequence ?? sequence },
        extents: extents.map(extent => ({ pack, ...extent })),
      })
    }
    this.#filled = []
    return pack
  }

  /** A checkpoint of what is in closed packs. */
  async checkpoint(): Promise<void> {
    await this.close()
    const objects = [...this.#lines].map(
      ([first, object]): CheckpointLine => ({
        object: this.#isLive(object.key, first) ? object : { ...object, deletedAt: this.#time() },
      }),
    )
    const lines: CheckpointLine[] = [...this.#sent.map(pack => ({ pack })), ...objects]
    const checkpoint = { id: randomUUID(), upTo: this.packs.length, not: [] }
    const given = (async function* () {
      yield* lines
    })()
    for await (const part of writeCheckpoint(given, { ...this.#options, checkpoint }))
      this.#keep(await part.seal({ ...this.#identity(), names: [] }))
  }

  /** Ids of the packs that hold bytes of live objects; those of objects in closed packs. */
  packsInUse(): Set<string> {
    const live = [...this.objects.values()].map(
      object => this.#lines.get(this.#firstOf(object))?.extents ?? [],
    )
    return new Set(live.flat().map(({ pack }) => pack))
  }

  #keep(sealed: SealedPack): void {
    this.packs.push({ ...sealed, bytes: Buffer.from(sealed.bytes) })
    const { sha256, plainSize, encrypted, bytes, header } = sealed
    this.#sent.push({
      ...{ id: header.pack, sequence: header.sequence, size: bytes.length, sha256, plainSize, encrypted },
      messages: [{ chat: '-1002000000001', message: 100 + header.sequence }],
    })
  }

  #identity(): { pack: string; catalogId: string; sequence: number; createdAt: string } {
    const sequence = this.packs.length + 1
    return { pack: randomUUID(), catalogId: this.#catalogId, sequence, createdAt: this.#time() }
  }

  #firstOf({ id }: { id: string }): string {
    return this.#firsts.get(id) ?? id
  }

  #isLive(key: string, first: string): boolean {
    const live = this.objects.get(key)
    return live !== undefined && this.#firstOf(live) === first
  }

  /** A second for each pack. */
  #time(): string {
    return new Date(Date.UTC(2026, 11, 1, 5, 33, this.packs.length)).toISOString()
  }
}

/** The name of a pack's file in the chat. */
export function packFileNameOf({ header, encrypted }: SealedPack): string {
  const time = header.createdAt.replace(/[-:]|\.\d+/g, '')
  const name = `${header.bucket.name.slice(0, 15)}_${header.kind}_${time}_${header.pack.slice(0, 8)}`
  return `${name}.zst${encrypted ? '.age' : ''}`
}
