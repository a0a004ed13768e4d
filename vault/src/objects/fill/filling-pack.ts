import {
  type FragmentRecord,
  PackBuilder,
  type PackBuilderOptions,
  type PackRecord,
  type PutRecord,
} from '@telegram-backup/archive'
import type { Bucket, IntendedObject } from '@telegram-backup/database'
import type { BackupError } from '@telegram-backup/errors'
import type { Reservation } from '#objects/fill/memory-budget.ts'

/** An object that becomes visible with its pack. */
export interface PackedObject {
  record: PutRecord
  /** All its bytes, if the catalog keeps them as well. */
  content?: Buffer | undefined
  ifAbsent: boolean
  /** Of the caller, who may go away while the object waits. */
  signal: AbortSignal
  /** Called when the catalog is about to know of it. */
  onIntended: () => void
}

/** The pack and the number under which an object was stored. */
export interface StoredIn {
  packId: string
  sequence: number
  at: Date
}

/**
 * A pack that is filled until its turn comes. A shared one takes objects of several callers; one of its own
 * takes the bytes of one object.
 */
export class FillingPack {
  readonly bucket: Bucket
  readonly builder: PackBuilder
  readonly isShared: boolean
  /** The moment of the undelete to which its records belong. */
  readonly undeletingTo: Date | undefined
  /** Resolves when the pack is committed. */
  readonly committed: Promise<StoredIn>
  readonly #reservation: Reservation
  #uploadId: string | undefined
  readonly #objects: PackedObject[] = []
  readonly #refused = new Map<PackedObject, BackupError>()
  readonly #settle: PromiseWithResolvers<StoredIn> = Promise.withResolvers()

  constructor(of: {
    bucket: Bucket
    isShared: boolean
    undeletingTo?: Date | undefined
    reservation: Reservation
    options: Omit<PackBuilderOptions, 'bucket'>
  }) {
    const { id, name, kind, project_id: project } = of.bucket
    this.bucket = of.bucket
    this.isShared = of.isShared
    this.undeletingTo = of.undeletingTo
    this.#reservation = of.reservation
    this.builder = new PackBuilder({ ...of.options, bucket: { id, name, kind, project } })
    this.committed = this.#settle.promise
    // Each object of the pack reports a failure; there may be none.
    this.committed.catch(() => {})
  }

  get objects(): readonly PackedObject[] {
    return this.#objects
  }

  hasRoomFor(plainBytes: number, record: PackRecord): boolean {
    return this.builder.hasRoomFor(plainBytes, [record])
  }

  /** The most plain bytes, up to `most`, that can be added beside this record. */
  roomFor(record: PackRecord, most: number): number {
    return this.builder.roomFor([record], most)
  }

  /** Adds a whole object. The caller has checked that there is room. */
  addWhole(object: PackedObject, plain: Uint8Array): void {
    if (plain.length > 0) object.record.extents.push(this.builder.add(plain))
    this.addObject(object)
  }

  /** Adds an object whose bytes are in packs already. */
  addObject(object: PackedObject): void {
    this.builder.addRecord(object.record)
    this.#objects.push(object)
  }

  /** The version that it holds a fragment of. */
  get uploadId(): string | undefined {
    return this.#uploadId
  }

  addFragment(record: FragmentRecord): void {
    this.#uploadId = record.id
    this.builder.addRecord(record)
  }

  /** The object does not become visible; its bytes stay in the pack, as garbage. */
  refuse(object: PackedObject, error: BackupError): void {
    this.#objects.splice(this.#objects.indexOf(object), 1)
    this.builder.removeRecord(object.record)
    this.#refused.set(object, error)
  }

  /** Resolves when the object is stored; throws why it is not. */
  async stored(object: PackedObject): Promise<StoredIn> {
    try {
      const stored = await this.committed
      const refused = this.#refused.get(object)
      if (refused === undefined) return stored
      throw refused
    } catch (error) {
      throw this.#refused.get(object) ?? error
    }
  }

  /** The catalog's clock counts, not that of this machine. */
  stamp(at: Date): void {
    for (const { record } of this.#objects) {
      // An object that moves stays as old as it is.
      if (record.moves === undefined) record.at = at.toISOString()
    }
  }

  intendedObjects(packId: string): IntendedObject[] {
    return this.#objects.map(({ record, content, ifAbsent }) => ({
      id: record.id,
      key: record.put,
      size: record.size,
      sha256: record.sha256,
      etag: record.etag,
      meta: record.meta,
      storedAt: new Date(record.at),
      extents: record.extents.map(({ pack = packId, offset, length }) => ({ packId: pack, offset, length })),
      content,
      moves: record.moves,
      ifAbsent,
    }))
  }

  /** The end of the pack: gives its memory back, and tells all who wait. */
  end(outcome: { stored: StoredIn } | { error: unknown }): void {
    this.builder.release()
    this.#reservation.release()
    if ('stored' in outcome) this.#settle.resolve(outcome.stored)
    else this.#settle.reject(outcome.error)
  }
}
