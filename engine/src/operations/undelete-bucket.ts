import { type Database, noteUndelete, planUndelete } from '@telegram-backup/database'
import type { ObjectStore } from '@telegram-backup/vault/objects/object-store.ts'
import type { Caller } from '#access/caller.ts'
import { bucketFor } from '#operations/buckets.ts'

export interface UndeleteRequest {
  bucketId: string
  /** The moment to go back to. */
  at: Date
  signal: AbortSignal
}

/** Numbers of objects. */
export interface Undeleted {
  /** Are as they were at that moment again. */
  restored: number
  /** Did not exist at that moment, and are deleted; the same operation brings them back. */
  removed: number
  unchanged: number
}

/**
 * Takes all of a bucket back to a moment, and records who did it. With `by`, who asks over HTTP. The same call
 * continues after a failure. Throws `NOT_FOUND`, also for a bucket that the caller does not see, `INVALID` for a
 * moment that cannot be reached, and what storing an object throws.
 */
export async function undeleteBucket(
  { database, store }: { database: Database; store: Pick<ObjectStore, 'undeleteBucket'> },
  { bucketId, at, signal }: UndeleteRequest,
  by?: Caller,
): Promise<Undeleted> {
  const bucket = await bucketFor(database, bucketId, by)
  const { restored, removed, unchanged } = await store.undeleteBucket(bucket, { at, signal })
  await noteUndelete(database, { bucketId: bucket.id, at, restored, removed })
  return { restored, removed, unchanged }
}

/** What {@link undeleteBucket} would do now. Throws `NOT_FOUND` and `INVALID` as it does. */
export async function previewUndelete(
  database: Database,
  { bucketId, at }: Pick<UndeleteRequest, 'bucketId' | 'at'>,
  by?: Caller,
): Promise<Undeleted> {
  const bucket = await bucketFor(database, bucketId, by)
  const { restore, remove, unchanged } = await planUndelete(database, { bucketId: bucket.id, at })
  return { restored: restore.length, removed: remove.length, unchanged }
}
