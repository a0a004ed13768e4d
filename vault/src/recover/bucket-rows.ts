import type {
  CheckpointCover,
  CheckpointedObject,
  CheckpointedPack,
  CheckpointLine,
  IndexedBucket,
  PackedBucket,
  PackHeader,
} from '@telegram-backup/archive'
import {
  type Database,
  heldPacks,
  type ImportedPack,
  type ImportedPackMessage,
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
import type { FoundBucket, PackPlace, PlacesOfPack } from '#recover/pack-places.ts'
import type { RecoveredBucket } from '#recover/recovery-report.ts'

/** A pack that opened and is believed; its bytes are not kept. */
export type PackToReplay = ReadPart

/** Lines of a checkpoint that are written at once. */
const LINES_AT_ONCE = 2_000
/** Keys of lost objects that a report names. */
const MOST_LOST_KEYS = 20

/** The rows of one bucket, as a recovery fills them. */
export class BucketRows {
  readonly #database: Database
  readonly #bucket: PackedBucket
  readonly #outcome: RecoveredBucket['outcome']
  readonly #findings: string[] = []
  /** Ids of packs whose records were replayed, by their numbers. */
  readonly #replayed = new Map<number, string>()
  #cover: CheckpointCover | undefined

  private constructor(
    database: Database,
    of: { bucket: PackedBucket; outcome: RecoveredBucket['outcome'] },
  ) {
    this.#database = database
    this.#bucket = of.bucket
    this.#outcome = of.outcome
  }

  /** @throws CatalogError `INVALID` for a bucket that no catalog can hold */
  static async open(database: Database, bucket: PackedBucket | IndexedBucket): Promise<BucketRows> {
    const { id, name, kind, project } = bucket
    const indexed = 'createdAt' in bucket ? bucket : undefined
    const imported = await importBucket(database, {
      ...{ id, name, kind, projectId: project },
      ...(indexed && {
        createdAt: new Date(indexed.createdAt),
        undeleteMs: indexed.undeleteMs,
        replica: indexed.replica,
        maxBytes: indexed.maxBytes,
        snapshotLimitHours: indexed.snapshotLimitHours,
        lastSnapshotAt: indexed.lastSnapshotAt === undefined ? undefined : new Date(indexed.lastSnapshotAt),
      }),
    })
    return new BucketRows(database, { bucket: { id, name: imported.name, kind, project }, outcome: imported.outcome })
  }

  /** What the checkpoint holds that was read; undefined without one. */
  get cover(): CheckpointCover | undefined {
    return this.#cover
  }

  hasReplayed(packId: string): boolean {
    return [...this.#replayed.values()].includes(packId)
  }
}
