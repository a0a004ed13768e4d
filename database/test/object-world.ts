import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import {
  abandonPack,
  acquireLease,
  beginCheckpoint,
  beginPackErase,
  CatalogError,
  catalogClock,
  checkpointIndexed,
  closeSend,
  confirmCheckpoint,
  type Database,
  deadPacks,
  deleteObject,
  endPackErase,
  findObject,
  type ImportedObject,
  type ImportedPack,
  type IntendedObject,
  type Lease,
  listObjects,
  markPackMessage,
  planUndelete,
  purgeObjects,
  type ReplayedRecord,
  untoldDeletes,
  versionsById,
  withCheckpointSnapshot,
} from '#index.ts'
import { nextMillisecond } from '#test/clock.ts'
import { ObjectModel } from '#test/object-model.ts'
import { importedPack, laidOut, sha256, type TestPack, TestWriter } from '#test/test-packs.ts'
import { CHAT } from '#test/test-send.ts'

/** A pack as it lies in the chat. */
interface ChatPack {
  pack: ImportedPack
  records: ReplayedRecord[]
}

/** A checkpoint as it lies in the chat. */
interface ChatCheckpoint {
  id: string
  createdAt: Date
  coversUpTo: number
  coversNot: number[]
  packIds: string[]
  objects: ImportedObject[]
  part: ImportedPack
}

/** What one pack is to do. */
interface Going {
  pack: TestPack
  puts: IntendedObject[]
  deletes: { id: string; key: string }[]
}

/** Enough to be proven in many orders. */
const MOST_AT_ONCE = 4

/** A bucket with its chat, and a model beside it that must always say the same. */
export class ObjectWorld {
  readonly database: Database
  readonly writer: TestWriter
  readonly tending: Lease
  readonly model: ObjectModel = new ObjectModel()
  /** By id; erased ones are gone. */
  readonly chat: Map<string, ChatPack> = new Map()
  checkpoint: ChatCheckpoint | undefined
  readonly #reserved: TestPack[] = []
  readonly #intended: Going[] = []
  readonly #moments: { at: Date; live: Map<string, string> }[] = []
  #drawing: Omit<ChatCheckpoint, 'part'> | undefined

  private constructor(database: Database, writer: TestWriter, tending: Lease) {
    this.database = database
    this.writer = writer
    this.tending = tending
  }

  static async start(database: Database, undeleteMs: number): Promise<ObjectWorld> {
    const writer = await TestWriter.start(database, { undeleteMs })
    const tending = await acquireLease(database, { subject: writer.bucket.id, purpose: 'objects' })
    if (tending === null) throw new Error('a new lease is free')
    return new ObjectWorld(database, writer, tending)
  }

  get bucketId(): string {
    return this.writer.bucket.id
  }

  async reserve(): Promise<void> {
    if (this.#reserved.length < MOST_AT_ONCE) this.#reserved.push(await this.writer.reserve())
  }

  /** `tells`: the deletions that it can tell. `moves`: writes a live object of that key again. */
  async intend(at: number, of: { keys: string[]; tells: boolean; moves: string | undefined }): Promise<void> {
    const pack = this.#intended.length < MOST_AT_ONCE ? take(this.#reserved, at) : undefined
    if (pack === undefined) return
    const { bucketId, database } = this
    const puts = of.keys.map(key => this.#newVersion(pack, key))
    const moving = of.moves === undefined ? undefined : this.model.live().get(of.moves)
    if (moving !== undefined && of.moves !== undefined) {
      puts.push({
        ...this.#newVersion(pack, of.moves),
        sha256: moving.sha256,
        storedAt: moving.storedAt,
        moves: moving.id,
      })
    }
    const deletes = of.tells
      ? await untoldDeletes(database, { bucketId, sequence: pack.sequence, limit: 100 })
      : []
    await this.#intend({ pack, puts: laidOut(pack, puts), deletes })
  }

  #newVersion(pack: TestPack, key: string): IntendedObject {
    const id = randomUUID()
    return { id, key, size: 10, sha256: sha256(id), storedAt: pack.at, extents: [] }
  }

  async #intend(going: Going): Promise<void> {
    const { pack, puts, deletes } = going
    const ids = deletes.map(({ id }) => id)
    try {
      await this.writer.intend(pack, { puts, deletes: ids, plainSize: 10 * puts.length })
      this.#intended.push(going)
    } catch (error) {
      // Its number is too old by now, or what it moves is moved by another one.
      if (!(error instanceof CatalogError) || error.code !== 'CONFLICT') throw error
    }
  }

  async confirm(at: number): Promise<void> {
    const going = take(this.#intended, at)
    if (going === undefined) return
    const { pack, puts, deletes } = going
    const messageId = await this.writer.confirm(pack)
    this.model.confirm({ sequence: pack.sequence, puts, deletes: deletes.map(({ id }) => id) })
    const stored = puts.map(({ key, storedAt, extents, id, size, sha256, moves }) => ({
      put: key,
      id,
      size,
      sha256,
      at: storedAt.toISOString(),
      extents: extents.map(({ packId, ...extent }) =>
        packId === pack.packId ? extent : { pack: packId, ...extent },
      ),
      ...(moves !== undefined && { moves }),
    }))
    const gone = deletes.map(({ id, key }) => ({ delete: key, id, at: pack.at.toISOString() }))
    this.chat.set(pack.packId, {
      pack: importedPack(pack, { plainSize: 10 * puts.length, messageId }),
      records: [...stored, ...gone],
    })
  }

  async abandon(at: number): Promise<void> {
    const going = take(this.#intended, at)
    if (going === undefined) return
    await closeSend(this.database, going.pack.sendId ?? '')
    await abandonPack(this.database, { packId: going.pack.packId, lease: this.writer.lease })
  }

  async remove(key: string): Promise<void> {
    const gone = await deleteObject(this.database, { bucketId: this.bucketId, key })
    expect(gone?.id).toBe(this.model.remove(key))
  }

  async purge(): Promise<void> {
    await purgeObjects(this.database, { bucketId: this.bucketId, limit: 100 })
  }

  /** Begins a checkpoint with what the bucket is now; packs may be proven before it is. */
  async snapshot(): Promise<void> {
    const { bucketId, database, tending: lease } = this
    const id = randomUUID()
    this.#drawing = await withCheckpointSnapshot(database, bucketId, async snapshot => {
      await beginCheckpoint(database, { checkpointId: id, bucketId, snapshot, lease })
      const { takenAt: createdAt, coversUpTo, coversNot } = snapshot
      const packIds = (await Array.fromAsync(snapshot.packs())).flat().map(pack => pack.id)
      const rows = (await Array.fromAsync(snapshot.objects())).flat()
      const objects = rows.map(row => ({
        ...row,
        packId: row.pack_id,
        storedAt: row.stored_at,
        deletedAt: row.deleted_at ?? undefined,
        etag: row.etag ?? undefined,
        meta: row.meta ?? undefined,
        moves: row.moves ?? undefined,
      }))
      return { id, createdAt, coversUpTo, coversNot, packIds, objects }
    })
  }

  async finishCheckpoint(isIndexed: boolean): Promise<void> {
    const drawn = this.#drawing
    if (drawn === undefined) return
    this.#drawing = undefined
    const { bucketId, database, tending: lease } = this
    const part = await this.writer.reserve()
    await this.writer.intend(part, { checkpoint: { id: drawn.id, partNumber: 1 }, plainSize: 0 })
    const messageId = await this.writer.confirm(part)
    await confirmCheckpoint(database, { checkpointId: drawn.id, bucketId, partCount: 1, lease })
    const imported = importedPack(part, { plainSize: 0, messageId })
    this.checkpoint = { ...drawn, part: { ...imported, checkpoint: { id: drawn.id, partNumber: 1 } } }
    if (isIndexed) await checkpointIndexed(database, drawn.id)
  }

  async collectGarbage(): Promise<void> {
    const { bucketId, database, tending: lease } = this
    const packIds = (await deadPacks(database, { bucketId, limit: 100 })).map(({ id }) => id)
    for (const { id } of await beginPackErase(database, { bucketId, packIds, lease })) {
      await markPackMessage(database, { packId: id, chatId: CHAT, state: 'erased' })
      await endPackErase(database, { packId: id, lease })
      this.chat.delete(id)
    }
  }

  /** Remembers how the bucket is now, with nothing under way. */
  async noteMoment(): Promise<void> {
    await this.#finishPacks()
    await nextMillisecond(this.database)
    this.#moments.push({ at: await catalogClock(this.database), live: this.model.liveObjects() })
    await nextMillisecond(this.database)
  }

  /** Takes the bucket back to a moment, as one pack. */
  async undelete(at: number): Promise<void> {
    const moment = this.#moments[at % Math.max(1, this.#moments.length)]
    if (moment === undefined) return
    await this.#finishPacks()
    const { bucketId, database } = this
    const pack = await this.writer.reserve()
    const plan = await planUndelete(database, { bucketId, at: moment.at }).catch(unlessInvalid)
    if (plan === undefined) return
    const versions = await versionsById(
      database,
      plan.restore.map(({ id }) => id),
    )
    const puts = versions.map(({ object, extents }) => ({
      ...this.#newVersion(pack, object.key),
      sha256: object.sha256,
      extents,
    }))
    await this.#intend({ pack, puts, deletes: plan.remove })
    await this.confirm(0)
    expect(await this.liveObjects()).toEqual(moment.live)
    expect(plan.unchanged + plan.restore.length).toBe(moment.live.size)
  }

  async #finishPacks(): Promise<void> {
    while (this.#intended.length > 0) await this.confirm(0)
    this.#reserved.length = 0
  }

  /** Nothing is under way any more, and all deletions are told. */
  async settle(): Promise<void> {
    await this.#finishPacks()
    await this.reserve()
    await this.intend(0, { keys: [], tells: true, moves: undefined })
    await this.confirm(0)
  }

  /** The SHA-256 of each live object, as the catalog lists them. */
  async liveObjects(): Promise<Map<string, string>> {
    const { database, bucketId } = this
    const rows = await listObjects(database, { bucketId, prefix: '', limit: 100 })
    const found = await Promise.all(rows.map(({ key }) => findObject(database, { bucketId, key })))
    return new Map(found.flatMap(of => (of === null ? [] : [[of.object.key, of.object.sha256]])))
  }

  async end(): Promise<void> {
    await this.tending.release()
    await this.writer.lease.release()
  }
}

/** Some of what the bucket had then is gone for good. */
function unlessInvalid(error: unknown): undefined {
  if (!(error instanceof CatalogError) || error.code !== 'INVALID') throw error
}

function take<Item>(items: Item[], at: number): Item | undefined {
  return items.length === 0 ? undefined : items.splice(at % items.length, 1)[0]
}
