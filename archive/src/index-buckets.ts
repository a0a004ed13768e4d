import { CheckedObject, UUID } from '#checked-json.ts'
import { type IndexedManifest, readIndexedMessage } from '#index-message.ts'
import type { PackedBucket } from '#packs/pack-header.ts'
import { readPackedBucket } from '#packs/read-header.ts'

/** A bucket in the index of one chat, and the packs there that lead to its objects. Bytes, ISO 8601. */
export interface IndexedBucket extends PackedBucket {
  createdAt: string
  /** How long a deleted object can be brought back. */
  undeleteMs: number
  /** Whether an answer to a write waits for the second chat. */
  replica: 'wait' | 'later'
  /** Most bytes of live objects; absent for no limit. */
  maxBytes?: number
  /** A notice is sent when the newest snapshot is older; absent for never. */
  snapshotLimitHours?: number
  /** Absent before the first one. */
  lastSnapshotAt?: string
  /** It was removed, and is not to come back: its packs are to be erased. */
  removedAt?: string
  /**
   * It is being taken back to this moment: whoever recovers it has to end that before anything else is
   * stored. Absent for none.
   */
  undeletingTo?: string
  /** The newest one. Absent before the first one. */
  checkpoint?: IndexedCheckpoint
  /**
   * Proven packs in this chat that the checkpoint does not place here, by sequence: at most
   * {@link MAX_INDEXED_PACKS}, the newest ones. Absent for none.
   */
  packs?: IndexedPack[]
}

export interface IndexedCheckpoint {
  /** UUID. */
  id: string
  /** All parts, in order. */
  parts: IndexedCheckpointPart[]
}

/** The message of a part of a checkpoint, and the UUID of the pack that it is. */
export type IndexedCheckpointPart = IndexedManifest & { pack: string }

export type IndexedPack = IndexedManifest & { pack: string; sequence: number }

/** Most packs of a bucket that an index names; the newest ones. */
export const MAX_INDEXED_PACKS = 10_000
/** Most buckets in an index. */
export const MAX_INDEXED_BUCKETS = 1_000

/** @throws TypeError for what is no bucket */
export function readIndexedBucket(value: unknown): IndexedBucket {
  const fields = new CheckedObject(value)
  return {
    ...readPackedBucket(fields),
    createdAt: fields.time('createdAt'),
    undeleteMs: fields.integer('undeleteMs'),
    replica: fields.oneOf('replica', ['wait', 'later']),
    ...(fields.has('maxBytes') && { maxBytes: fields.integer('maxBytes', 1) }),
    ...(fields.has('snapshotLimitHours') && { snapshotLimitHours: hoursIn(fields) }),
    ...(fields.has('lastSnapshotAt') && { lastSnapshotAt: fields.time('lastSnapshotAt') }),
    ...(fields.has('removedAt') && { removedAt: fields.time('removedAt') }),
    ...(fields.has('undeletingTo') && { undeletingTo: fields.time('undeletingTo') }),
    ...(fields.has('checkpoint') && { checkpoint: readCheckpoint(fields.object('checkpoint')) }),
    ...(fields.has('packs') && {
      packs: fields.array('packs', { least: 1, most: MAX_INDEXED_PACKS }).map(readPack),
    }),
  }
}

function readCheckpoint(checkpoint: CheckedObject): IndexedCheckpoint {
  return {
    id: checkpoint.matching('id', UUID),
    parts: checkpoint.array('parts', { least: 1, most: MAX_INDEXED_PACKS }).map(value => {
      const part = new CheckedObject(value)
      return { pack: part.matching('pack', UUID), ...readIndexedMessage(part) }
    }),
  }
}

function readPack(value: unknown): IndexedPack {
  const pack = new CheckedObject(value)
  return {
    pack: pack.matching('pack', UUID),
    sequence: pack.integer('sequence', 1),
    ...readIndexedMessage(pack),
  }
}

/** A catalog keeps it in 32 bits. */
function hoursIn(fields: CheckedObject): number {
  const hours = fields.integer('snapshotLimitHours', 1)
  if (hours >= 2 ** 31) throw new TypeError('a limit for snapshots out of range')
  return hours
}
