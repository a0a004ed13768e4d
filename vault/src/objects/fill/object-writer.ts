import { randomUUID } from 'node:crypto'
import { PACK_LIMITS, type PutRecord } from '@telegram-backup/archive'
import {
  type Bucket,
  checkKey,
  type Database,
  findPacks,
  MAX_CONTENT_BYTES,
  type ObjectVersion,
  putInCatalog,
  type StoredObject,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { BucketShares } from '#objects/fill/bucket-shares.ts'
import { BucketSpace, type TakenSpace } from '#objects/fill/bucket-space.ts'
import type { PackedObject, StoredIn } from '#objects/fill/filling-pack.ts'
import type { FillingPacks } from '#objects/fill/filling-packs.ts'
import { KeyLooks } from '#objects/fill/key-looks.ts'
import { LargeObjects } from '#objects/fill/large-objects.ts'
import { MemoryBudget } from '#objects/fill/memory-budget.ts'
import { ObjectBody } from '#objects/fill/object-body.ts'
import { OneAtATime } from '#objects/fill/one-at-a-time.ts'
import { existsAlready } from '#objects/fill/pack-writer.ts'
import type { Writer } from '#objects/messages/writer.ts'
import type { PutObject } from '#objects/object-store.ts'
import type { SecondChat } from '#objects/reconcile/second-chat.ts'

/** Bodies that wait for their end, before they are known to be right. */
const BODIES_BYTES = 32 * 1024 * 1024
/** The rest is for other buckets. */
const BODIES_BYTES_OF_BUCKET = 0.75 * BODIES_BYTES

export interface ObjectWriterOptions {
  database: Database
  packs: FillingPacks
  writer: Writer
  /** Of a pack as sent, at most. Objects of more than half of it have packs of their own. */
  packSizeBytes: number
  secondChat: SecondChat | undefined
}

/** Stores objects: small ones share packs, large ones have packs of their own. */
export class ObjectWriter {
  readonly #database: Database
  readonly #packs: FillingPacks
  readonly #sharedUpTo: number
  readonly #bodies = new MemoryBudget(BODIES_BYTES)
  readonly #shares = new BucketShares(BODIES_BYTES_OF_BUCKET)
  readonly #secondChat: SecondChat | undefined
  readonly #keys = new OneAtATime()
  readonly #looks: KeyLooks
  readonly #space: BucketSpace
  readonly #large: LargeObjects

  constructor({ database, packs, writer, packSizeBytes, secondChat }: ObjectWriterOptions) {
    this.#secondChat = secondChat
    this.#database = database
    this.#packs = packs
    this.#sharedUpTo = Math.floor(packSizeBytes / 2)
    this.#space = new BucketSpace(database)
    this.#looks = new KeyLooks(database)
    const pieceBytes = Math.min(PACK_LIMITS.frameBytes, Math.floor(packSizeBytes / 8))
    this.#large = new LargeObjects({ database, packs, writer, pieceBytes })
  }

  /** See `ObjectStore.put`. */
  async put(bucket: Bucket, object: PutObject, signal: AbortSignal): Promise<ObjectVersion> {
    checkKey(object.key)
    const { size, sha256 } = object
    const body = new ObjectBody(object.body, { promised: { size, sha256 }, signal })
    try {
      const put = (): Promise<ObjectVersion> =>
        object.where === 'catalog'
          ? this.#putInCatalog(bucket, object, body)
          : this.#putInChat(bucket, object, { body, signal })
      return await this.#keys.run(`${bucket.id}/${object.key}`, put, signal)
    } finally {
      // A failure to stop hides nothing: the bytes are stored, or the error is known.
      await body.stop().catch(() => {})
    }
  }

  async #putInCatalog(bucket: Bucket, object: PutObject, body: ObjectBody): Promise<ObjectVersion> {
    const { key, etag, meta, ifAbsent } = object
    const memory = Buffer.alloc(MAX_CONTENT_BYTES + 1)
    const size = await body.readInto(memory)
    if (size > MAX_CONTENT_BYTES) {
      throw new BackupError(`The catalog keeps at most ${MAX_CONTENT_BYTES} bytes of an object`, {
        code: 'INVALID',
      })
    }
    const content = memory.subarray(0, size)
    const { sha256 } = body
    return await this.#space.within(bucket, size, () =>
      putInCatalog(this.#database, { bucketId: bucket.id, key, content, sha256, etag, meta, ifAbsent }),
    )
  }

  async #putInChat(
    bucket: Bucket,
    object: PutObject,
    { body, signal }: { body: ObjectBody; signal: AbortSignal },
  ): Promise<ObjectVersion> {
    const known = await this.#sameObject(bucket, object, body)
    if (known !== undefined) return known
    return await this.#space.within(bucket, object.size ?? 0, async space => {
      const draft = draftOf(object, { signal, onIntended: space.leave })
      const stored =
        (object.size ?? 0) > this.#sharedUpTo
          ? await this.#large.store(bucket, draft, { body, begun: Buffer.alloc(0), signal, space })
          : await this.#storeSmall(bucket, object, { draft, body, signal, space })
      return versionOf(bucket, draft.record, stored)
    })
  }

  /**
   * The object, if it is stored already with the bytes of the body, which is then read for that alone. Throws
   * `CONFLICT` for one with other bytes that must not be overwritten.
   */
  async #sameObject(
    bucket: Bucket,
    { key, sha256, ifAbsent }: PutObject,
    body: ObjectBody,
  ): Promise<ObjectVersion | undefined> {
    const found = await this.#looks.find(bucket.id, key)
    if (found === undefined || !found.object.in_chat) return undefined
    const { object } = found
    // Without a promised hash, a body that is read here could not be stored afterwards.
    if (!ifAbsent && object.sha256 !== sha256) return undefined
    // A client that stores it again mends it.
    if (await this.#isDamaged(found)) return undefined
    await body.readToEnd()
    if (object.size === body.size && object.sha256 === body.sha256) {
      if (bucket.replica === 'wait') await this.#secondChat?.waitForObject(found)
      return object
    }
    throw existsAlready(key)
  }

  async #isDamaged({ extents }: StoredObject): Promise<boolean> {
    const packs = await findPacks(
      this.#database,
      extents.map(({ packId }) => packId),
    )
    return packs.some(({ damaged_at }) => damaged_at !== null)
  }

  async #storeSmall(
    bucket: Bucket,
    object: PutObject,
    of: { draft: PackedObject; body: ObjectBody; signal: AbortSignal; space: TakenSpace },
  ): Promise<StoredIn> {
    const { draft, body, signal, space } = of
    const mostBytes = Math.min(object.size ?? this.#sharedUpTo, this.#sharedUpTo)
    const memory = await this.#reserveMemory(bucket, mostBytes, signal)
    try {
      // One byte more shows that the body has ended.
      const bytes = Buffer.allocUnsafeSlow(mostBytes + 1)
      const size = await body.readInto(bytes)
      if (size > mostBytes)
        return await this.#large.store(bucket, draft, { body, begun: bytes, signal, space })
      await space.grow(size)
      const plain = bytes.subarray(0, size)
      Object.assign(draft.record, { size, sha256: body.sha256 })
      if (object.where === 'chat and catalog' && size <= MAX_CONTENT_BYTES) draft.content = Buffer.from(plain)
      const { stored } = await this.#packs.add(bucket, draft, plain)
      memory.release()
      return await stored
    } finally {
      memory.release()
    }
  }

  async #reserveMemory(bucket: Bucket, bytes: number, signal: AbortSignal): Promise<{ release(): void }> {
    const share = await this.#shares.reserve(bucket.id, { amount: bytes, signal })
    try {
      const memory = await this.#bodies.reserve(bytes, signal)
      return {
        release: () => {
          memory.release()
          share.release()
        },
      }
    } catch (error) {
      share.release()
      throw error
    }
  }
}

function draftOf(
  { key, etag, meta, ifAbsent = false }: PutObject,
  of: Pick<PackedObject, 'signal' | 'onIntended'>,
): PackedObject {
  const record: PutRecord = {
    put: key,
    id: randomUUID(),
    size: 0,
    sha256: '0'.repeat(64),
    ...(etag !== undefined && { etag }),
    ...(meta !== undefined && { meta }),
    at: new Date().toISOString(),
    extents: [],
  }
  return { record, ifAbsent, ...of }
}

function versionOf(bucket: Bucket, record: PutRecord, { packId, sequence, at }: StoredIn): ObjectVersion {
  return {
    id: record.id,
    bucket_id: bucket.id,
    key: record.put,
    state: 'live',
    size: record.size,
    sha256: record.sha256,
    etag: record.etag ?? null,
    meta: record.meta ?? null,
    in_chat: true,
    pack_id: packId,
    sequence,
    stored_at: at,
    deleted_at: null,
  }
}
