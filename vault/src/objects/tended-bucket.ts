import type { BucketWork, Lease } from '@telegram-backup/database'

/** A bucket in the care of this process. */
export interface TendedBucket {
  work: BucketWork
  /** On the id of the bucket: one process tends it. */
  lease: Lease
}
