import type { CheckpointCover, PackHeader } from '@telegram-backup/archive'
import { bucketFacts, type Database, settleNewestSnapshot } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { BucketRows, type PackToReplay } from '#recover/bucket-rows.ts'
import type { ChatReader } from '#recover/chat-reader.ts'
import { CheckpointParts } from '#recover/checkpoint-parts.ts'
import {
  type FoundBucket,
  type FoundCheckpoint,
  findBuckets,
  type IndexedBuckets,
  type PackPlace,
  placeOfNamed,
  type ScannedPacks,
} from '#recover/pack-places.ts'
import { type PackReading, type RefusedPack, readPack } from '#recover/read-pack.ts'
import type { RecoveredBucket, RefusedPackReport } from '#recover/recovery-report.ts'

const OLD_INDEX =
  'The index is older than the newest table of objects in the chat, which was read instead: look whether somebody has put an old index back.'

/** What the chats say about buckets, and how the catalog may take it. */
export interface BucketsToRecord {
  /** The id of the catalog whose chats these are; undefined when nothing says it. */
  catalogId: string | undefined
  /** Believed indexes. */
  indexes: readonly IndexedBuckets[]
  scans: readonly ScannedPacks[]
  /** Called before the first row is written. */
  prepare: () => Promise<void>
}

export interface BucketRecoveryOptions extends PackReading {
  database: Database
  /** Called before messages are asked for, with their greatest possible number. */
  onPlan: (plan: { messages: number; what: string }) => void
}

/**
 * Reads the buckets of the chats into the catalog: the newest checkpoint, then the records of the packs that
 * it does not cover, in the order of their numbers. It may be called again when more messages have come. What
 * the catalog knows already stays.
 */
export class BucketRecovery {
  readonly #of: BucketRecoveryOptions
  readonly #buckets = new Map<string, BucketRows>()
  /** Checkpoints that were read, or cannot be. */
  readonly #tried = new Set<string>()
  readonly #refused = new Map<string, RefusedPack>()
  /** Ids of buckets of which the newest index was heard. */
  readonly #described = new Set<string>()
  /** The catalog whose chats are read. */
  #catalogId: string | undefined

  constructor(of: BucketRecoveryOptions) {
    this.#of = of
  }

  /** Packs and checkpoints that are there and were not taken. */
  get refused(): RefusedPackReport[] {
    return [...this.#refused.values()]
      .filter(({ isGone }) => !isGone)
      .map(({ place, reason }) => ({
        ...{ packId: place.packId, bucketId: place.bucketId, reason },
        ...{ chatId: place.reader.chatId, messageId: place.messageId },
      }))
  }

  /** Some packs were not opened because there is no key. */
  get isLocked(): boolean {
    return [...this.#refused.values()].some(({ isLocked }) => isLocked)
  }

  /** At the end of the recovery. */
  async report(): Promise<RecoveredBucket[]> {
    const reports: RecoveredBucket[] = []
    for (const bucket of this.#buckets.values()) {
      // Its messages are recorded to be erased; nobody misses what is gone.
      if (await bucket.isRemoved()) continue
      const gone = [...this.#refused.values()].filter(one => one.isGone && one.place.bucketId === bucket.id)
      reports.push(await bucket.report(gone.map(({ place }) => place)))
    }
    return reports
  }

  /** The checkpoints that an index names: then the scan of its chat knows the messages that they name. */
  async readNamed(of: Omit<BucketsToRecord, 'scans' | 'catalogId'>): Promise<void> {
    for (const found of findBuckets(of.indexes, [])) {
      for (const checkpoint of found.checkpoints) await this.#readCheckpoint(found, checkpoint, of.prepare)
    }
  }

  /** Everything else that these chats have of buckets. */
  async record({ catalogId, indexes, scans, prepare }: BucketsToRecord): Promise<void> {
    this.#catalogId = catalogId
    const newest = indexes.reduce((most, { generation }) => Math.max(most, generation), 0)
    for (const found of findBuckets(indexes, scans)) {
      await this.#readFoundCheckpoints(found, newest, prepare)
      const { packs, gone } = await this.#openPacks(found)
      const bucket = await this.#bucketOf(found, packs[0]?.header, prepare)
      if (bucket === undefined) continue
      await this.#describe(bucket, found)
      await addLostPacks(bucket, { packs, gone })
      for (const pack of packs) {
        const reason = await bucket.replay(pack)
        if (reason !== undefined) this.#refuse({ place: pack.places[0], reason })
      }
      await settleNewestSnapshot(this.#of.database, bucket.id)
      await bucket.addPlaces([...found.packs, ...found.checkpoints.flatMap(({ parts }) => parts)])
    }
  }

  /** Packs that only a checkpoint names were not looked at: are their messages there? */
  async askForPacks(readers: readonly ChatReader[]): Promise<void> {
    const byChat = new Map(readers.map(reader => [reader.chatId, reader]))
    for (const bucket of this.#buckets.values()) {
      const [facts] = await bucketFacts(this.#of.database, { bucketIds: [bucket.id] })
      this.#of.onPlan({ messages: facts?.messages ?? 0, what: `with packs of the bucket ${bucket.name}` })
      await bucket.askForPacks(byChat)
    }
  }

  /**
   * Captions lead to a checkpoint if no index does, if that one cannot be read, or if a later one is there:
   * an old index may have been put back. A machine that had lost the chat may have sent one that lacks what
   * its successor has sent since; that one is of an earlier generation than the index.
   */
  async #readFoundCheckpoints(
    found: FoundBucket,
    newestGeneration: number,
    prepare: () => Promise<void>,
  ): Promise<void> {
    for (const checkpoint of found.checkpoints) {
      const bucket = this.#buckets.get(found.id)
      const cover = bucket?.cover
      const { sequence = 0, generation } = checkpoint
      if (cover !== undefined && (sequence <= cover.upTo || generation < newestGeneration)) continue
      await this.#readCheckpoint(found, checkpoint, prepare)
      if (cover !== undefined && bucket !== undefined && bucket.cover !== cover) bucket.note(OLD_INDEX)
    }
  }

  async #readCheckpoint(
    found: FoundBucket,
    checkpoint: FoundCheckpoint,
    prepare: () => Promise<void>,
  ): Promise<void> {
    if (this.#tried.has(checkpoint.id)) return
    this.#tried.add(checkpoint.id)
    const parts = new CheckpointParts(checkpoint, this.#of)
    const first = await parts.open()
    const bucket = first && (await this.#bucketOf(found, first.header, prepare))
    if (first === undefined || bucket === undefined) {
      if (parts.refused !== undefined) this.#refuse(parts.refused)
      return
    }
    // Another chat may name an older one.
    if (bucket.cover !== undefined && bucket.cover.upTo >= first.cover.upTo) return
    try {
      await bucket.importCheckpoint(parts, first.cover)
    } catch (error) {
      const { code, message: reason } = describeError(error)
      if (code !== 'INTEGRITY' && code !== 'INVALID') throw error
      this.#refuse(parts.refused ?? { place: parts.place, reason: `does not open: ${reason}` })
    }
  }

  /**
   * The packs whose records no checkpoint holds, and those before them that they name; by their numbers.
   * `gone`: those of them that no chat has any more.
   */
  async #openPacks({ id, packs }: FoundBucket): Promise<{ packs: PackToReplay[]; gone: PackPlace[] }> {
    const bucket = this.#buckets.get(id)
    const isNeeded = ({ packId, sequence }: PackPlace): boolean =>
      !seen.has(packId) &&
      bucket?.hasReplayed(packId) !== true &&
      (sequence === undefined || !isCovered(sequence, bucket?.cover))
    const seen = new Set<string>()
    const opened: PackToReplay[] = []
    const gone: PackPlace[] = []
    const waiting = [...packs]
    for (let places = waiting.shift(); places !== undefined; places = waiting.shift()) {
      const [first] = places
      if (!isNeeded(first)) continue
      seen.add(first.packId)
      const read = await readPack(places, this.#of)
      if (!('pack' in read)) {
        this.#refuse(read)
        if (read.isGone) gone.push(read.place)
        continue
      }
      const { pack, place, size, encrypted } = read
      const { header } = pack
      opened.push({
        header,
        size,
        encrypted,
        places: [place, ...places.filter(one => one.reader !== place.reader)],
      })
      const { reader } = place
      waiting.push(...header.names.map(name => [placeOfNamed(name, { bucketId: id, reader })] as [PackPlace]))
    }
    return { packs: opened.sort(inOrder(this.#catalogId)), gone }
  }

  /** Chats are read one after the other; the first call of `record` has the indexes of all of them. */
  async #describe(bucket: BucketRows, { indexed }: FoundBucket): Promise<void> {
    if (indexed !== undefined && !this.#described.has(bucket.id)) await bucket.correct(indexed)
    this.#described.add(bucket.id)
  }

  async #bucketOf(
    { id, indexed }: FoundBucket,
    header: PackHeader | undefined,
    prepare: () => Promise<void>,
  ): Promise<BucketRows | undefined> {
    const known = this.#buckets.get(id)
    const described = indexed ?? header?.bucket
    if (known !== undefined || described === undefined) return known
    await prepare()
    const bucket = await BucketRows.open(this.#of.database, described)
    // Somebody with two servers and one key may have copied messages of one into the chat of the other.
    const { catalogId = this.#catalogId } = indexed === undefined ? (header ?? {}) : {}
    if (this.#catalogId !== undefined && catalogId !== this.#catalogId)
      bucket.note(
        `No index names it, and the catalog ${catalogId} has made it, not the owner of the chat: look whether somebody has copied it here.`,
      )
    this.#buckets.set(id, bucket)
    return bucket
  }

  #refuse(refused: Pick<RefusedPack, 'place' | 'reason'> & Partial<RefusedPack>): void {
    this.#refused.set(refused.place.packId, { isGone: false, isLocked: false, ...refused })
  }
}

function isCovered(sequence: number, cover: CheckpointCover | undefined): boolean {
  return cover !== undefined && sequence <= cover.upTo && !cover.not.includes(sequence)
}

/** Packs that are gone, but that a believed document names: those in which opened packs have objects. */
async function addLostPacks(
  bucket: BucketRows,
  { packs, gone }: { packs: readonly PackToReplay[]; gone: readonly PackPlace[] },
): Promise<void> {
  const records = packs.flatMap(({ header }) => header.records)
  for (const place of gone) {
    const isTaken = packs.some(({ header }) => header.sequence === place.sequence)
    if (isTaken || !place.isVouchedFor) continue
    const ends = records.flatMap(record =>
      'put' in record
        ? record.extents.map(({ pack, offset, length }) => (pack === place.packId ? offset + length : 0))
        : [],
    )
    const plainSize = ends.reduce((most, end) => Math.max(most, end), 0)
    if (plainSize > 0) await bucket.addLostPack(place, plainSize)
  }
}

/**
 * By their numbers. Of two with one number that counts which a believed document names, else the one of the
 * catalog whose chat it is, else that of a later generation: a machine that had lost the chat may have sent
 * one before it knew.
 */
function inOrder(catalogId: string | undefined): (one: PackToReplay, other: PackToReplay) => number {
  return (one, other) => {
    const [first, second] = [one.places[0], other.places[0]]
    return (
      one.header.sequence - other.header.sequence ||
      Number(second.isVouchedFor) - Number(first.isVouchedFor) ||
      Number(other.header.catalogId === catalogId) - Number(one.header.catalogId === catalogId) ||
      second.generation - first.generation ||
      first.messageId - second.messageId
    )
  }
}
