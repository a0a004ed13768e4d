import type { CheckpointCover, PackHeader } from '@telegram-backup/archive'
import { describeError } from '@telegram-backup/errors'
import { BucketRows, type BucketRowsOptions, type PackToReplay } from '#recover/bucket-rows.ts'
import { CheckpointParts } from '#recover/checkpoint-parts.ts'
import {
  type FoundBucket,
  type FoundCheckpoint,
  findBuckets,
  type IndexedBuckets,
  type PlacesOfPack,
  placeOfNamed,
  type ScannedPacks,
} from '#recover/pack-places.ts'
import { type PackReading, type RefusedPack, readPack } from '#recover/read-pack.ts'
import type { RecoveredBucket } from '#recover/recovery-report.ts'

/** What the chats say about buckets, and how the catalog may take it. */
export interface BucketsToRecord {
  /** Believed indexes. */
  indexes: readonly IndexedBuckets[]
  scans: readonly ScannedPacks[]
  /** Called before the first row is written. */
  prepare: () => Promise<void>
}

/**
 * Reads the buckets of the chats into the catalog: the newest checkpoint, then the records of the packs that it does
 * not cover, in the order of their numbers. It may be called again when more messages have come. What the catalog
 * knows already stays.
 */
export class BucketRecovery {
  readonly #of: PackReading & BucketRowsOptions
  readonly #buckets = new Map<string, BucketRows>()
  /** Checkpoints that were read, or cannot be. */
  readonly #tried = new Set<string>()
  readonly #refused = new Map<string, RefusedPack>()

  constructor(of: PackReading & BucketRowsOptions) {
    this.#of = of
  }

  /** Packs that are there and were not taken. */
  get refused(): readonly RefusedPack[] {
    return [...this.#refused.values()].filter(({ isGone }) => !isGone)
  }

  /** At the end of the recovery. */
  async report(): Promise<RecoveredBucket[]> {
    const reports: RecoveredBucket[] = []
    for (const bucket of this.#buckets.values()) reports.push(await bucket.report())
    return reports
  }

  /** The checkpoints that an index names: then the scan of its chat knows the messages that they name. */
  async readNamed(of: Omit<BucketsToRecord, 'scans'>): Promise<void> {
    for (const found of findBuckets(of.indexes, [])) {
      for (const checkpoint of found.checkpoints) await this.#readCheckpoint(found, checkpoint, of.prepare)
    }
  }

  /** Everything else that these chats have of buckets. */
  async record({ indexes, scans, prepare }: BucketsToRecord): Promise<void> {
    for (const found of findBuckets(indexes, scans)) {
      // Captions lead to a checkpoint only if no index does, or if those cannot be read.
      for (const checkpoint of found.checkpoints)
        if (this.#buckets.get(found.id)?.cover === undefined)
          await this.#readCheckpoint(found, checkpoint, prepare)
      const opened = await this.#openPacks(found)
      const [first] = opened
      if (first === undefined && found.indexed === undefined) continue
      const bucket = await this.#bucketOf(found, first?.header, prepare)
      for (const pack of opened) {
        const refusal = await bucket.replay(pack)
        if (refusal !== undefined) this.#refuse({ place: pack.places[0], reason: refusal, isGone: false, isLocked: false })
      }
      await bucket.addPlaces(found)
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
    if (first !== undefined) {
      const bucket = await this.#bucketOf(found, first.header, prepare)
      // Another chat may name an older one.
      if (bucket.cover !== undefined && bucket.cover.upTo >= first.cover.upTo) return
      const failure = await bucket.importCheckpoint(parts, first.cover)
      if (failure === undefined) return
      bucket.note(failure)
    }
    if (parts.refused !== undefined) this.#refuse(parts.refused)
  }

  /** The packs whose records no checkpoint holds, and those before them that they name; by their numbers. */
  async #openPacks(found: FoundBucket): Promise<PackToReplay[]> {
    const cover = this.#buckets.get(found.id)?.cover
    const opened: PackToReplay[] = []
    const waiting = [...found.packs]
    const seen = new Set<string>()
    for (let places = waiting.shift(); places !== undefined; places = waiting.shift()) {
      const [{ packId, sequence }] = places
      if (seen.has(packId) || (sequence !== undefined && isCovered(sequence, cover))) continue
      seen.add(packId)
      if (this.#buckets.get(found.id)?.hasReplayed(packId) === true) continue
      const read = await readPack(places, this.#of)
      if (!('pack' in read)) {
        this.#refuse(read)
        continue
      }
      const { pack, size, encrypted, place } = read
      const { header } = pack
      opened.push({ header, size, encrypted, places: withFirst(place, places) })
      for (const name of header.names) {
        if (!seen.has(name.pack) && !isCovered(name.sequence, cover))
          waiting.push([placeOfNamed(name, { bucketId: found.id, reader: place.reader })])
      }
    }
    return opened.sort(inOrder)
  }

  async #bucketOf(
    { id, indexed }: FoundBucket,
    header: PackHeader | undefined,
    prepare: () => Promise<void>,
  ): Promise<BucketRows | undefined> {
    const known = this.#buckets.get(id)
    if (known !== undefined) return known
    const { project, ...described } = indexed ?? header?.bucket ?? {}
    if (described === undefined) return undefined
    await prepare()
    const bucket = await BucketRows.open(described, this.#of)
    this.#buckets.set(id, bucket)
    return bucket
  }

  #refuse(refused: RefusedPack): void {
    this.#refused.set(refused.place.packId, refused)
  }
}

function isCovered(sequence: number, cover: CheckpointCover | undefined): boolean {
  return cover !== undefined && sequence <= cover.upTo && !cover.not.includes(sequence)
}

/** By their numbers; of two with one number the one that a believed document names, or of a later generation. */
function inOrder(one: PackToReplay, other: PackToReplay): number {
  const [first, second] = [one.places[0], other.places[0]]
  return (
    one.header.sequence - other.header.sequence ||
    Number(second.isVouchedFor) - Number(first.isVouchedFor) ||
    second.generation - first.generation ||
    first.messageId - second.messageId
  )
}
