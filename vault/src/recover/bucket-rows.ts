import type {
  CheckpointCover,
  CheckpointedObject,
  CheckpointedPack,
  IndexedBucket,
  PackedBucket,
  PackHeader,
} from '@telegram-backup/archive'
import {
  bucketById,
  type Database,
  heldPacks,
  type ImportedObject,
  type ImportedPack,
  importBucket,
  importCheckpoint,
  importObjects,
  importPacks,
  lostObjects,
  markPackMessage,
  replayPack,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { packFileName } from 'telegram-deployment-bot'
import type { CheckpointParts, ReadPart } from '#recover/checkpoint-parts.ts'
import type { PackPlace, PlacesOfPack } from '#recover/pack-places.ts'
import type { RecoveredBucket } from '#recover/recovery-report.ts'

/** A pack that opened and is believed; its bytes are not kept. */
export type PackToReplay = ReadPart

/** Lines of a checkpoint that are written at once. */
const LINES_AT_ONCE = 2_000
/** Keys of lost objects that a report names. */
const MOST_LOST_KEYS = 20

/** The rows of one bucket, as a recovery fills them. */
export class BucketRows {
  readonly id: string
  readonly #database: Database
  readonly #bucket: PackedBucket
  readonly #outcome: RecoveredBucket['outcome']
  readonly #findings: string[] = []
  /** Ids of packs whose records were replayed, by their numbers. */
  readonly #replayed = new Map<number, string>()
  #cover: CheckpointCover | undefined

  private constructor(
    database: Database,
    { bucket, outcome }: { bucket: PackedBucket; outcome: RecoveredBucket['outcome'] },
  ) {
    this.id = bucket.id
    this.#database = database
    this.#bucket = bucket
    this.#outcome = outcome
  }

  /** @throws CatalogError `INVALID` for a bucket that no catalog can hold */
  static async open(database: Database, bucket: PackedBucket | IndexedBucket): Promise<BucketRows> {
    const { id, kind, project } = bucket
    const settings = 'createdAt' in bucket ? settingsOf(bucket) : {}
    const { outcome, name } = await importBucket(database, {
      ...{ id, name: bucket.name, kind, projectId: project },
      ...settings,
    })
    return new BucketRows(database, { bucket: { id, name, kind, project }, outcome })
  }

  /** What the checkpoint holds that was read; undefined without one. */
  get cover(): CheckpointCover | undefined {
    return this.#cover
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
    let packs: ImportedPack[] = []
    let objects: ImportedObject[] = []
    const flush = async (): Promise<void> => {
      // Objects lie in packs.
      if (packs.length > 0) await importPacks(this.#database, { bucketId, packs })
      if (objects.length > 0) await importObjects(this.#database, { bucketId, objects })
      packs = []
      objects = []
    }
    for await (const line of parts.lines()) {
      if ('pack' in line) packs.push(packOf(line.pack))
      else objects.push(objectOf(line.object))
      if (packs.length + objects.length >= LINES_AT_ONCE) await flush()
    }
    await flush()
    const own: ImportedPack[] = []
    for (const part of parts.read) own.push(await this.#packOf(part))
    await importCheckpoint(this.#database, { bucketId, id: parts.id, upTo: cover.upTo, not: cover.not, parts: own })
    this.#cover = cover
  }

  /** Does what the records of a pack say. Returns why it was not taken, as the end of a sentence. */
  async replay(pack: PackToReplay): Promise<string | undefined> {
    const { header } = pack
    const { pack: packId, sequence, kind, records } = header
    if (kind !== 'pack') return 'is a part of a checkpoint'
    if (this.#replayed.has(sequence)) return 'has the number of another pack'
    try {
      const imported = await this.#packOf(pack)
      await replayPack(this.#database, { bucketId: this.id, pack: imported, records })
    } catch (error) {
      const { code, message } = describeError(error)
      if (code === 'CONFLICT') return 'has the number of another pack'
      if (code !== 'INVALID') throw error
      return `has values that no catalog can hold: ${message}`
    }
    this.#replayed.set(sequence, packId)
    return undefined
  }
}
