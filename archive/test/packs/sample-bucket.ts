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

/** A bucket whose packs are kept as they would be sent. What it does, it does as a store does it. */
export class SampleBucket {
  readonly packs: SealedPack[] = []
  /** Live objects by key. */
  readonly objects: Map<string, { id: string; bytes: Buffer }> = new Map()
  readonly #options: SampleBucketOptions
  readonly #catalogId = randomUUID()
  readonly #lines = new Map<string, CheckpointedObject>()
  readonly #sent: CheckpointedPack[] = []
  /** Puts in the pack that is being filled. */
  #filled: { record: PackRecord; bytes: Buffer }[] = []
  #builder: PackBuilder

  constructor(options: SampleBucketOptions) {
    this.#options = options
    this.#builder = new PackBuilder(options)
  }

  async put(key: string, bytes: Buffer, { moves }: { moves?: string } = {}): Promise<void> {
    const { pieceBytes = 64 * 1024 } = this.#options
    const version = { id: randomUUID(), size: bytes.length, sha256: sha256(bytes), at: this.#time() }
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
    this.#filled.push({ record: record(), bytes })
    this.objects.set(key, { id: version.id, bytes })
  }

  /** Writes it again, as compaction does. */
  async move(key: string): Promise<void> {
    const { id, bytes } = this.#liveObject(key)
    await this.put(key, bytes, { moves: id })
  }

  async delete(key: string, { id }: { id?: string } = {}): Promise<void> {
    const record = { delete: key, id: id ?? this.#liveObject(key).id, at: this.#time() }
    if (!this.#builder.hasRoomFor(0, [record])) await this.close()
    this.#builder.addRecord(record)
    this.objects.delete(key)
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
    for (const { record } of this.#filled) {
      if (!('put' in record)) continue
      const { put: key, extents, ...version } = record
      this.#lines.set(key, {
        ...{ key, ...version, pack, sequence },
        extents: extents.map(extent => ({ pack, ...extent })),
      })
    }
    this.#filled = []
    return pack
  }

  /** A checkpoint of what is in closed packs. */
  async checkpoint(): Promise<void> {
    await this.close()
    const objects = [...this.#lines.values()].map(
      (object): CheckpointLine => ({
        object:
          this.objects.get(object.key)?.id === object.id ? object : { ...object, deletedAt: this.#time() },
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
    const live = [...this.objects.keys()].map(key => this.#lines.get(key)?.extents ?? [])
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

  #liveObject(key: string): { id: string; bytes: Buffer } {
    const object = this.objects.get(key)
    if (object === undefined) throw new Error(`There is no object ${key}`)
    return object
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
