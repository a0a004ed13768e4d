import type { BucketKind } from '@telegram-backup/database'

/** A bucket, as the catalog has it after the recovery. Sizes in bytes. */
export interface RecoveredBucket {
  id: string
  name: string
  kind: BucketKind
  project: string
  outcome: 'added' | 'known'
  /** Live objects. */
  objects: number
  bytes: number
  /** The table of objects that was read; false when the packs alone were read, or the catalog knew all. */
  hasCheckpoint: boolean
  /** Packs whose records were read. */
  packs: number
  /** Objects that are live and have bytes that no chat has any more; at most {@link MOST_LOST_KEYS} of their keys. */
  lost: number
  lostKeys: string[]
  /** What could not be read, a sentence each. */
  findings: string[]
}

/** Keys that a report names. */
export const MOST_LOST_KEYS = 100
