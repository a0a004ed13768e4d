import type { FragmentRecord, PutRecord } from '@telegram-backup/archive'
import { abandonUpload, type Bucket, beginUpload, type Database } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { BucketShares } from '#objects/fill/bucket-shares.ts'
import type { TakenSpace } from '#objects/fill/bucket-space.ts'
import type { FillingPack, PackedObject, StoredIn } from '#objects/fill/filling-pack.ts'
import type { FillingPacks } from '#objects/fill/filling-packs.ts'
import type { ObjectBody } from '#objects/fill/object-body.ts'
import type { Writer } from '#objects/messages/writer.ts'

/** A smaller rest of a pack is not worth a frame. */
const LEAST_PIECE_BYTES = 1_024
/** Each fills a pack as slowly as its body comes; `FillingPacks` has memory for five packs of all buckets. */
const FILLING_OF_BUCKET = 3

export interface LargeObjectsOptions {
  database: Database
  packs: FillingPacks
  writer: Writer
  /** The unit in which objects are cut: much less than a pack, and at most a frame. */
  pieceBytes: number
}

/** The body of an object, of which `begun` was read already. */
export interface LargeBody {
  body: ObjectBody
  begun: Buffer
  space: TakenSpace
  signal: AbortSignal
}

/** Stores objects in packs of their own, as their bodies come. */
export class LargeObjects {
  readonly #options: LargeObjectsOptions
  readonly #shares = new BucketShares(FILLING_OF_BUCKET)

  constructor(options: LargeObjectsOptions) {
    this.#options = options
  }

  /** Fills in the size, hash and extents of the object's record. Throws as `ObjectStore.put` does. */
  async store(bucket: Bucket, object: PackedObject, body: LargeBody): Promise<StoredIn> {
    const { signal } = body
    const share = await this.#shares.reserve(bucket.id, { amount: 1, signal })
    const upload = new LargeUpload(this.#options, { bucket, object, signal })
    try {
      const { stored } = await upload.run(body)
      share.release()
      return await stored
    } catch (error) {
      await upload.giveUp(error)
      throw error
    } finally {
      share.release()
    }
  }
}

/** One object on its way into one or more packs. */
class LargeUpload {
  readonly #options: LargeObjectsOptions
  readonly #of: { bucket: Bucket; object: PackedObject; signal: AbortSignal }
  /** Full packs with fragments. */
  readonly #sent: { pack: FillingPack; record: FragmentRecord; stored: Promise<StoredIn> }[] = []
  #filling: FillingPack | undefined
  #size = 0
  /** In the pack that is being filled. */
  #extent: { offset: number; length: number } | undefined
  #failure: { error: unknown } | undefined

  constructor(
    options: LargeObjectsOptions,
    of: { bucket: Bucket; object: PackedObject; signal: AbortSignal },
  ) {
    this.#options = options
    this.#of = of
  }

  /** Resolves when the last pack is full, with what resolves when the object is stored. */
  async run({ body, begun, space }: LargeBody): Promise<{ stored: Promise<StoredIn> }> {
    const { pieceBytes } = this.#options
    for (let from = 0; from < begun.length; from += pieceBytes) {
      await this.#add(begun.subarray(from, from + pieceBytes))
    }
    const piece = Buffer.allocUnsafeSlow(pieceBytes)
    for (;;) {
      const length = await body.readInto(piece)
      if (length > 0) await this.#add(piece.subarray(0, length))
      if (length < piece.length) break
      await space.grow(this.#size)
    }
    await space.grow(this.#size)
    return await this.#finish(body.sha256)
  }

  /** What was sent becomes garbage, and nothing of it was visible. */
  async giveUp(error: unknown): Promise<void> {
    this.#filling?.end({ error })
    this.#filling = undefined
    if (this.#sent.length === 0) return
    // Packs under way would be fragments of no upload.
    await Promise.allSettled(this.#sent.map(({ stored }) => stored))
    const { database, writer } = this.#options
    const lease = await writer.lease().catch(() => undefined)
    // Otherwise it is given up when this process has ended.
    await abandonUpload(database, { uploadId: this.#uploadId, lease }).catch(() => {})
  }

  get #uploadId(): string {
    return this.#of.object.record.id
  }

  /** A pack is filled up before the next one is begun: messages are dear. */
  async #add(bytes: Buffer): Promise<void> {
    for (let added = 0; added < bytes.length; ) {
      if (this.#failure !== undefined) throw this.#failure.error
      this.#filling ??= await this.#open()
      const left = bytes.length - added
      const room = this.#filling.roomFor(this.#longestRecord(), left)
      if (room === left || room >= LEAST_PIECE_BYTES) {
        this.#addPiece(this.#filling, bytes.subarray(added, added + room))
        added += room
      } else if (this.#extent === undefined) {
        throw new BackupError('The object needs more packs than one record can name', { code: 'INVALID' })
      } else await this.#sendFragment(this.#filling)
    }
  }

  #addPiece(pack: FillingPack, piece: Buffer): void {
    const { offset } = pack.builder.add(piece)
    this.#extent = {
      offset: this.#extent?.offset ?? offset,
      length: (this.#extent?.length ?? 0) + piece.length,
    }
    this.#size += piece.length
  }

  async #open(): Promise<FillingPack> {
    this.#extent = undefined
    const { bucket, signal } = this.#of
    return await this.#options.packs.open(bucket, { isShared: false, signal })
  }

  /** The put record as it would be in this pack. */
  #longestRecord(): PutRecord {
    const extent = { pack: this.#uploadId, offset: Number.MAX_SAFE_INTEGER, length: Number.MAX_SAFE_INTEGER }
    const extents = Array.from({ length: this.#sent.length + 1 }, () => extent)
    return { ...this.#of.object.record, size: Number.MAX_SAFE_INTEGER, extents }
  }

  async #sendFragment(pack: FillingPack): Promise<void> {
    const { database, packs, writer } = this.#options
    const { bucket, object } = this.#of
    const { put: key, id } = object.record
    const extent = this.#extent ?? { offset: 0, length: 0 }
    if (this.#sent.length === 0) {
      await beginUpload(database, { uploadId: id, bucketId: bucket.id, key, lease: await writer.lease() })
    }
    const record: FragmentRecord = { fragment: key, id, at: this.#size - extent.length, extent }
    pack.addFragment(record)
    this.#filling = undefined
    const stored = packs.send(pack).committed
    stored.catch(error => {
      this.#failure ??= { error }
    })
    this.#sent.push({ pack, record, stored })
  }

  /** The put record stands in the last pack, which is sent when all others are proven. */
  async #finish(sha256: string): Promise<{ stored: Promise<StoredIn> }> {
    const { packs } = this.#options
    const { object } = this.#of
    const last = this.#filling ?? (await this.#open())
    this.#filling = last
    const extents: PutRecord['extents'] = []
    for (const { record, stored } of this.#sent) {
      extents.push({ pack: (await stored).packId, ...record.extent })
    }
    if (this.#extent !== undefined) extents.push(this.#extent)
    Object.assign(object.record, { size: this.#size, sha256, extents })
    last.addObject(object)
    this.#filling = undefined
    const stored = packs.send(last).stored(object)
    // The caller looks at it a moment later.
    stored.catch(() => {})
    return { stored }
  }
}
