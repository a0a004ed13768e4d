import { beginUndelete, type Database, planUndelete, type UndeletePlan } from '@telegram-backup/database'
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
 * Takes all of a bucket back to a moment, and records who did it. Until that has ended, the bucket is closed.
 * With `by`, who asks over HTTP. After a failure the same call continues, and so does a service; one with
 * another moment begins anew. Throws `NOT_FOUND`, also for a bucket that the caller does not see, `INVALID`
 * for a moment that cannot be reached, `BUSY` while a message of another process may still come, `CONFLICT`
 * when somebody has begun an undelete to another moment meanwhile, and what storing an object throws.
 */
export async function undeleteBucket(
  { database, store }: { database: Database; store: Pick<ObjectStore, 'finishUndelete'> },
  { bucketId, at, signal }: UndeleteRequest,
  by?: Caller,
): Promise<Undeleted> {
  const bucket = await bucketFor(database, bucketId, by)
  const plan = await beginUndelete(database, { bucketId: bucket.id, at })
  await store.finishUndelete(bucket, { signal })
  return countsOf(plan)
}

/** What {@link undeleteBucket} would do now. Throws `NOT_FOUND` and `INVALID` as it does. */
export async function previewUndelete(
  database: Database,
  { bucketId, at }: Pick<UndeleteRequest, 'bucketId' | 'at'>,
  by?: Caller,
): Promise<Undeleted> {
  const bucket = await bucketFor(database, bucketId, by)
  return countsOf(await planUndelete(database, { bucketId: bucket.id, at }))
}

function countsOf({ restore, remove, unchanged }: UndeletePlan): Undeleted {
  return { restored: restore.length, removed: remove.length, unchanged }
}
