import type { CheckpointCover, CheckpointedPack, IndexedBucket, PackedBucket } from '@telegram-backup/archive'
import {
  bucketById,
  bucketFacts,
  type Database,
  findPacks,
  heldPacks,
  type ImportedObject,
  type ImportedPack,
  importBucket,
  importCheckpoint,
  importObjects,
  importPacks,
  lostObjects,
  markPackMessage,
  type RefusedImport,
  type ReplayedRecord,
  replayPack,
  settleKnownVersions,
} from '@telegram-backup/database'
import { packFileName } from 'telegram-deployment-bot'
import type { ChatReader } from '#recover/chat-reader.ts'
import type { CheckpointParts, ReadPart } from '#recover/checkpoint-parts.ts'
import { factsOf, importedBucket, listedObject, lossOf, messagesAt } from '#recover/imported-packs.ts'
import { LostVersions } from '#recover/lost-versions.ts'
import type { PackPlace, PlacesOfPack } from '#recover/pack-places.ts'
import type { RecoveredBucket } from '#recover/recovery-report.ts'

/** A pack that opened and is believed; its bytes are not kept. */
export type PackToReplay = ReadPart

/** A pack and its records. */
type TellingPack = Pick<Parameters<typeof replayPack>[1], 'pack' | 'records'>

/** Lines of a checkpoint that are written at once. */
const LINES_AT_ONCE = 2_000
/** Packs that are taken from the catalog at once. */
const PACKS_AT_ONCE = 500
/** Keys of lost objects that a report names. */
const MOST_LOST_KEYS = 20
const GONE = 'is not in the chat any more'

/** The rows of one bucket, as a recovery fills them. */
export class BucketRows {
  readonly id: string
  readonly #database: Database
  readonly #bucket: PackedBucket
  readonly #outcome: RecoveredBucket['outcome']
  readonly #findings: string[] = []
  /** Ids of packs whose records were replayed, by their numbers. */
  readonly #replayed = new Map<number, string>()
  readonly #lost = new LostVersions()
  /** Packs that were replayed, with their deletions and the versions that were not taken. */
  readonly #told: TellingPack[] = []
  #cover: CheckpointCover | undefined
  #packs = 0

  private constructor(database: Database, of: { bucket: PackedBucket; outcome: RecoveredBucket['outcome'] }) {
    this.id = of.bucket.id
    this.#database = database
    this.#bucket = of.bucket
    this.#outcome = of.outcome
  }

  /** @throws CatalogError `INVALID` for a bucket that no catalog can hold */
  static async open(database: Database, bucket: PackedBucket | IndexedBucket): Promise<BucketRows> {
    const { id, kind, project } = bucket
    const outcome = (await bucketById(database, id)) === null ? 'added' : 'known'
    const { name } = await importBucket(database, importedBucket(bucket))
    return new BucketRows(database, { bucket: { id, name, kind, project }, outcome })
  }

  /** It was removed, and does not come back: its packs are recorded to be erased. */
  async isRemoved(): Promise<boolean> {
    return (await bucketById(this.#database, this.id))?.removed_at != null
  }

  /** What another index says of its undelete and its removal. */
  async correct(bucket: IndexedBucket): Promise<void> {
    await importBucket(this.#database, importedBucket(bucket))
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
   * The packs and objects of a checkpoint, and the checkpoint itself. Throws `INTEGRITY`, before anything is
   * written, for a checkpoint that is not whole.
   */
  async importCheckpoint(parts: CheckpointParts, cover: CheckpointCover): Promise<void> {
    const { id: bucketId } = this
    const database = this.#database
    const { upTo, not } = cover
    const versions = await this.#readWhole(parts)
    if (versions !== undefined) await settleKnownVersions(database, { bucketId, upTo, not, versions })
    const createdAt = new Date(parts.read[0]?.header.createdAt ?? 0)
    const partCount = parts.read.length
    const checkpoint = { id: parts.id, createdAt, coversUpTo: upTo, coversNot: not, partCount }
    await importCheckpoint(database, { bucketId, checkpoint })
    const own = parts.read.map(part => this.#imported(part))
    await this.#importPacks(own)
    await this.#importLines(parts, own[0]?.id ?? '')
    this.#cover = cover
  }

  /** Of a bucket that was known before, or of which an older checkpoint was read: all versions, by id. */
  async #readWhole(parts: CheckpointParts): Promise<ReadonlyMap<string, Date | null> | undefined> {
    const versions = new Map<string, Date | null>()
    const isFirst = this.#outcome === 'added' && this.#cover === undefined
    for await (const line of parts.lines()) {
      if (isFirst || 'pack' in line) continue
      const { id, deletedAt } = line.object
      versions.set(id, deletedAt === undefined ? null : new Date(deletedAt))
    }
    return isFirst ? undefined : versions
  }

  async #importLines(parts: CheckpointParts, checkpointPack: string): Promise<void> {
    const { id: bucketId } = this
    let packs: ImportedPack[] = []
    let objects: ImportedObject[] = []
    const flush = async (): Promise<void> => {
      // Objects lie in packs.
      await this.#importPacks(packs)
      const refused = await importObjects(this.#database, { bucketId, checkpointPack, objects })
      this.#lost.add(refused)
      packs = []
      objects = []
    }
    for await (const line of parts.lines()) {
      if ('pack' in line) packs.push(this.#listedPack(line.pack))
      else objects.push(listedObject(line.object))
      if (packs.length + objects.length >= LINES_AT_ONCE) await flush()
    }
    await flush()
  }

  async #importPacks(packs: readonly ImportedPack[]): Promise<void> {
    const refused = await importPacks(this.#database, { bucketId: this.id, packs })
    for (const { id, reason } of refused) this.#findings.push(`Pack ${id} was not taken: ${reason}.`)
  }

  /** Does what the records of a pack say. Returns why it was not taken, as the end of a sentence. */
  async replay(pack: PackToReplay): Promise<string | undefined> {
    const { pack: packId, sequence, kind, records } = pack.header
    if (kind !== 'pack') return 'is a part of a checkpoint'
    const isOther = this.#replayed.has(sequence) && this.#replayed.get(sequence) !== packId
    if (isOther) return 'has the number of another pack'
    const imported = this.#imported(pack)
    const refused = await this.#replay({ pack: imported, records })
    // A version of a pack that comes late may be one that a later pack has deleted or overwritten.
    for (const later of this.#told.filter(told => told.pack.sequence > sequence)) await this.#replay(later)
    const lost = new Set(refused.map(({ id }) => id))
    const isTelling = (record: ReplayedRecord): boolean =>
      'delete' in record || ('put' in record && lost.has(record.id))
    this.#told.push({ pack: imported, records: records.filter(isTelling) })
    const own = refused.find(({ id, key }) => id === packId && key === undefined)
    if (own !== undefined) return `was not taken: ${own.reason}`
    if (!this.#replayed.has(sequence)) this.#packs++
    this.#replayed.set(sequence, packId)
    return undefined
  }

  async #replay({ pack, records }: TellingPack): Promise<RefusedImport[]> {
    const refused = await replayPack(this.#database, { bucketId: this.id, pack, records })
    this.#lost.follow({ sequence: pack.sequence, records, refused })
    return refused
  }

  /**
   * A pack that no chat has any more, but that other packs name: objects with bytes in it are lost, and stay
   * known. `plainSize`: as far as these objects need it.
   */
  async addLostPack(place: PackPlace, plainSize: number): Promise<void> {
    const { packId: id, sequence, size, sha256, messageId, reader } = place
    if (sequence === undefined || size === undefined) return
    const { chatId } = reader
    const facts = { id, encrypted: true, createdAt: new Date(0), isCheckpoint: false }
    const pack = { id, sequence, size, sha256, plainSize, encrypted: true, fileName: this.#fileName(facts) }
    await this.#importPacks([{ ...pack, messages: [{ chatId, messageId }] }])
    await markPackMessage(this.#database, { packId: id, chatId, state: 'missing', error: GONE })
  }

  /** Further messages of packs that the catalog knows, such as copies in the second chat. */
  async addPlaces(packs: readonly PlacesOfPack[]): Promise<void> {
    const byId = new Map(packs.map(places => [places[0].packId, places]))
    const known = await findPacks(this.#database, [...byId.keys()])
    const found: ImportedPack[] = []
    for (const pack of known) {
      const { size, sha256 } = pack
      const isSame = (place: PackPlace): boolean =>
        place.sha256 === sha256 &&
        (place.size ?? size) === size &&
        (place.sequence ?? pack.sequence) === pack.sequence
      const places = byId.get(pack.id)?.filter(isSame) ?? []
      const isKnown = (chatId: string): boolean => pack.messages.some(({ chat_id }) => chat_id === chatId)
      const missing = places.filter(({ reader }) => !isKnown(reader.chatId))
      if (pack.bucket_id !== this.id || pack.state !== 'sent' || missing.length === 0) continue
      found.push({ ...factsOf(pack), messages: messagesAt(missing) })
    }
    await this.#importPacks(found)
  }

  /** Adds a sentence to the report. */
  note(finding: string): void {
    this.#findings.push(finding)
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
          await markPackMessage(database, {
            packId,
            chatId,
            state: 'missing',
            error: GONE,
          })
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
    const keys = new Set([...this.#lost.keys, ...lost.keys])
    return {
      ...{ id, name, kind, project, outcome: this.#outcome },
      objects: facts?.objects ?? 0,
      bytes: facts?.bytes ?? 0,
      hasCheckpoint: this.#cover !== undefined,
      packs: this.#packs,
      lost: this.#lost.keys.length + lost.count,
      lostKeys: [...keys].sort().slice(0, MOST_LOST_KEYS),
      findings: [...this.#findings, ...gone.map(lossOf)],
    }
  }

  #imported({ header, places, size, encrypted }: ReadPart): ImportedPack {
    const [{ sha256 }] = places
    const createdAt = new Date(header.createdAt)
    const plainSize = header.frames.reduce((sum, [, plain]) => sum + plain, 0)
    return {
      ...{ id: header.pack, sequence: header.sequence, size, sha256, plainSize, encrypted },
      fileName: this.#fileName({
        id: header.pack,
        encrypted,
        createdAt,
        isCheckpoint: header.kind === 'checkpoint',
      }),
      ...(header.checkpoint && {
        checkpoint: { id: header.checkpoint.id, partNumber: header.checkpoint.part },
      }),
      messages: messagesAt(places.filter(place => place.sha256 === sha256)),
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
