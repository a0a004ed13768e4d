import type {
  CheckpointCover,
  CheckpointedObject,
  CheckpointedPack,
  IndexedBucket,
  PackedBucket,
} from '@telegram-backup/archive'
import {
  bucketFacts,
  type Database,
  dropUnlisted,
  heldPacks,
  type ImportedObject,
  type ImportedPack,
  type ImportedPackMessage,
  importBucket,
  importCheckpoint,
  importObjects,
  importPackMessages,
  importPacks,
  lostObjects,
  markPackMessage,
  replayPack,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { packFileName } from 'telegram-deployment-bot'
import type { ChatReader } from '#recover/chat-reader.ts'
import type { CheckpointParts, ReadPart } from '#recover/checkpoint-parts.ts'
import type { PackPlace, PlacesOfPack } from '#recover/pack-places.ts'
import type { RecoveredBucket } from '#recover/recovery-report.ts'
import { recordsOf } from '#recover/pack-records.ts'

/** A pack that opened and is believed; its bytes are not kept. */
export type PackToReplay = ReadPart

/** Lines of a checkpoint that are written at once. */
const LINES_AT_ONCE = 2_000
/** Packs that are taken from the catalog at once. */
const PACKS_AT_ONCE = 500
/** Keys of lost objects that a report names. */
const MOST_LOST_KEYS = 20

/** The rows of one bucket, as a recovery fills them. */
export class BucketRows {
  readonly id: string
  /** It was removed, and does not come back. */
  readonly isRemoved: boolean
  readonly #database: Database
  readonly #bucket: PackedBucket
  readonly #outcome: RecoveredBucket['outcome']
  readonly #findings: string[] = []
  /** Ids of packs whose records were replayed, by their numbers. */
  readonly #replayed = new Map<number, string>()
  /** Objects that were not taken, since no chat has shown all of their packs. */
  readonly #lostKeys = new Set<string>()
  #cover: CheckpointCover | undefined
  #packs = 0

  private constructor(
    database: Database,
    of: { bucket: PackedBucket; outcome: RecoveredBucket['outcome']; isRemoved: boolean },
  ) {
    this.id = of.bucket.id
    this.isRemoved = of.isRemoved
    this.#database = database
    this.#bucket = of.bucket
    this.#outcome = of.outcome
  }

  /** @throws CatalogError `INVALID` for a bucket that no catalog can hold */
  static async open(database: Database, bucket: PackedBucket | IndexedBucket): Promise<BucketRows> {
    const { id, kind, project } = bucket
    const settings = 'createdAt' in bucket ? settingsOf(bucket) : {}
    const of = { id, name: bucket.name, kind, projectId: project, ...settings }
    const { outcome, name, isRemoved } = await importBucket(database, of)
    return new BucketRows(database, { bucket: { id, name, kind, project }, outcome, isRemoved })
  }

  /** What the checkpoint holds that was read; undefined without one. */
  get cover(): CheckpointCover | undefined {
    return this.#cover
  }

  get name(): string {
    return this.#bucket.name
  }

  hasReplayed(packId: string): boolean {
    return [...this.#replayed.values()].includes(packId)
  }

  /**
   * The packs and objects of a checkpoint, and the checkpoint itself. Throws `INTEGRITY` for a part that cannot be
   * read, and `INVALID` for what no catalog can hold; what came before stays, and is right.
   */
  async importCheckpoint(parts: CheckpointParts, cover: CheckpointCover): Promise<void> {
    const { id: bucketId } = this
    const database = this.#database
    const listed = new Set<string>()
    let packs: ImportedPack[] = []
    let objects: ImportedObject[] = []
    const flush = async (): Promise<void> => {
      // Objects lie in packs.
      await importPacks(database, { bucketId, packs })
      await importObjects(database, { bucketId, objects })
      packs = []
      objects = []
    }
    for await (const line of parts.lines()) {
      if ('pack' in line) packs.push(this.#listedPack(line.pack))
      else {
        objects.push(listedObject(line.object))
        // In a new bucket there is nothing that it could lack.
        if (this.#outcome === 'known') listed.add(line.object.id)
      }
      if (packs.length + objects.length >= LINES_AT_ONCE) await flush()
    }
    await flush()
    const own: ImportedPack[] = []
    for (const part of parts.read) own.push(await this.#imported(part))
    const { upTo, not } = cover
    const createdAt = new Date(parts.read[0]?.header.createdAt ?? 0)
    await importCheckpoint(database, { id: parts.id, bucketId, upTo, not, createdAt, parts: own })
    if (this.#outcome === 'known') await dropUnlisted(database, { bucketId, upTo, not, listed })
    this.#cover = cover
  }

  /** Does what the records of a pack say. Returns why it was not taken, as the end of a sentence. */
  async replay(pack: PackToReplay): Promise<string | undefined> {
    const { header } = pack
    const { pack: packId, sequence, kind } = header
    if (kind !== 'pack') return 'is a part of a checkpoint'
    if (this.#replayed.has(sequence)) return 'has the number of another pack'
    try {
      const imported = await this.#imported(pack)
      const { lost } = await replayPack(this.#database, { ...imported, bucketId: this.id, ...recordsOf(header) })
      for (const key of lost) this.#lostKeys.add(key)
    } catch (error) {
      const { code, message } = describeError(error)
      if (code === 'CONFLICT') return 'has the number of another pack'
      if (code !== 'INVALID') throw error
      return `has values that no catalog can hold: ${message}`
    }
    this.#replayed.set(sequence, packId)
    this.#packs++
    return undefined
  }

  /** Further messages of packs that the catalog knows, such as copies in the second chat. */
  async addPlaces(packs: readonly PlacesOfPack[]): Promise<void> {
    const known = []
    for (const places of packs) {
      const [{ packId: id, sha256, sequence = 0 }] = places
      const size = places.find(place => place.size !== undefined)?.size
      if (this.hasReplayed(id) || size === undefined) continue
      const same = places.filter(place => place.sha256 === sha256 && (place.size ?? size) === size)
      known.push({ id, sequence, size, sha256, messages: await messagesAt(same) })
    }
    await importPackMessages(this.#database, { bucketId: this.id, packs: known })
  }

  /** Asks whether the messages of all packs are there, in these chats; a missing one is recorded as such. */
  async askForPacks(readers: ReadonlyMap<string, ChatReader>): Promise<void> {
    const database = this.#database
    for (let after = 0; ; ) {
      const packs = await heldPacks(database, { bucketId: this.id, after, limit: PACKS_AT_ONCE })
      for (const { id: packId, messages } of packs) {
        for (const { chat_id: chatId, message_id: messageId, state } of messages) {
          const reader = readers.get(chatId)
          if (reader === undefined || messageId === null || state !== 'sent') continue
          if (await reader.exists(messageId)) continue
          await markPackMessage(database, { packId, chatId, state: 'missing', error: 'is not in the chat any more' })
        }
      }
      const last = packs.at(-1)
      if (last === undefined || packs.length < PACKS_AT_ONCE) return
      after = last.sequence
    }
  }

  /** @param gone places of packs whose records no chat has any more */
  async report(gone: readonly PackPlace[]): Promise<RecoveredBucket> {
    const { id, name, kind, project } = this.#bucket
    const database = this.#database
    const [facts] = await bucketFacts(database, { bucketIds: [id] })
    const lost = await lostObjects(database, { bucketId: id, limit: MOST_LOST_KEYS })
    const keys = new Set([...this.#lostKeys, ...lost.keys])
    return {
      ...{ id, name, kind, project, outcome: this.#outcome },
      objects: facts?.objects ?? 0,
      bytes: facts?.bytes ?? 0,
      hasCheckpoint: this.#cover !== undefined,
      packs: this.#packs,
      lost: this.#lostKeys.size + lost.count,
      lostKeys: [...keys].sort().slice(0, MOST_LOST_KEYS),
      findings: [...this.#findings, ...gone.map(lossOf)],
    }
  }

  async #imported({ header, places, size, encrypted }: ReadPart): Promise<ImportedPack> {
    const [{ sha256 }] = places
    const createdAt = new Date(header.createdAt)
    const plainSize = header.frames.reduce((sum, [, plain]) => sum + plain, 0)
    return {
      ...{ id: header.pack, sequence: header.sequence, size, sha256, plainSize, encrypted },
      fileName: this.#fileName({ id: header.pack, encrypted, createdAt, isCheckpoint: header.kind === 'checkpoint' }),
      messages: await messagesAt(places.filter(place => place.sha256 === sha256)),
    }
  }

  #listedPack({ messages, ...pack }: CheckpointedPack): ImportedPack {
    const { id, encrypted } = pack
    return {
      ...pack,
      // The table does not say when it was made; nobody needs the name but as a name.
      fileName: this.#fileName({ id, encrypted, createdAt: new Date(0), isCheckpoint: false }),
      messages: messages.map(({ chat, message, file, bot }) => ({
        ...{ chatId: chat, messageId: message, fileId: file, botId: bot },
      })),
    }
  }

  #fileName(of: { id: string; encrypted: boolean; createdAt: Date; isCheckpoint: boolean }): string {
    const { id: packId, encrypted, ...pack } = of
    return packFileName({ bucket: this.#bucket.name, packId, ...pack }, encrypted)
  }
}

function settingsOf(bucket: IndexedBucket) {
  const { createdAt, lastSnapshotAt, removedAt, undeleteMs, replica, maxBytes, snapshotLimitHours } = bucket
  return {
    ...{ undeleteMs, replica, maxBytes, snapshotLimitHours },
    createdAt: new Date(createdAt),
    lastSnapshotAt: lastSnapshotAt === undefined ? undefined : new Date(lastSnapshotAt),
    removedAt: removedAt === undefined ? undefined : new Date(removedAt),
  }
}

function listedObject({ at, pack, extents, deletedAt, ...object }: CheckpointedObject): ImportedObject {
  return {
    ...object,
    packId: pack,
    storedAt: new Date(at),
    extents: extents.map(extent => ({ packId: extent.pack, offset: extent.offset, length: extent.length })),
    deletedAt: deletedAt === undefined ? undefined : new Date(deletedAt),
  }
}

/** One message for each chat, the first one of it. A message that is gone is recorded as missing. */
async function messagesAt(places: readonly PackPlace[]): Promise<ImportedPackMessage[]> {
  const messages = new Map<string, ImportedPackMessage>()
  for (const { reader, messageId, fileId, botId, fileUniqueId, sentAt } of places) {
    const { chatId } = reader
    if (messages.has(chatId)) continue
    const isMissing = !(await reader.exists(messageId))
    messages.set(chatId, { chatId, messageId, fileId, botId, fileUniqueId, sentAt, isMissing })
  }
  return [...messages.values()]
}

function lossOf({ sequence, messageId, reader }: PackPlace): string {
  const pack = sequence === undefined ? 'A part of its checkpoint' : `Pack ${sequence}`
  return `${pack} (message ${messageId} of chat ${reader.chatId}) is gone, with what it says of objects.`
}
