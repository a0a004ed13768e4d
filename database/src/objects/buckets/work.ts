import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import { bucketOf } from '#objects/buckets/buckets.ts'
import type { Bucket } from '#objects/types.object.ts'

/** What may have to be done for a bucket. */
export interface BucketWork {
  /** Also a removed one, until its messages are gone. */
  bucket: Bucket
  /** The oldest deletion that no pack tells yet. */
  untoldSince: Date | null
  /**
   * Proven packs whose records the newest checkpoint does not have, and when the newest of them was proven.
   */
  packsSinceCheckpoint: number
  changedAt: Date | null
  /** The newest checkpoint is not in the index of every chat yet. */
  isCheckpointUnindexed: boolean
  /** Versions could be purged now. */
  hasPurgeable: boolean
}

/** All buckets that are not removed, and those whose messages are not all gone; by name. */
export async function bucketsToTend({ kysely }: Pick<Database, 'kysely'>): Promise<BucketWork[]> {
  const { rows } = await sql<Bucket & Omit<BucketWork, 'bucket'>>`
    select bucket.*,
           (select min(deleted_at) from control_plane.objects
             where bucket_id = bucket.id and state = 'deleted' and deleted_in is null) as "untoldSince",
           since.count as "packsSinceCheckpoint", since.changed_at as "changedAt",
           coalesce(newest.id is not null and newest.indexed_at is null, false) as "isCheckpointUnindexed",
           case when removed_at is not null
             then exists (select from control_plane.objects where bucket_id = bucket.id)
                when undeleting_to is not null then false
             else exists (select from control_plane.objects
                           where bucket_id = bucket.id and state = 'deleted' and deleted_in is not null
                             and deleted_at < clock_timestamp() - undelete_ms * interval '1 millisecond')
           end as "hasPurgeable"
      from control_plane.object_buckets bucket
      left join control_plane.object_checkpoints newest on newest.bucket_id = bucket.id and newest.state = 'sent'
     cross join lateral (
       select count(*) as count, max(sent_at) as changed_at from control_plane.packs pack
        where pack.bucket_id = bucket.id and pack.state = 'sent' and pack.checkpoint_id is null and pack.has_records
          and (newest.id is null or pack.sequence > newest.covers_up_to or pack.sequence = any (newest.covers_not))) since
     where emptied_at is null
     order by name, bucket.id
  `.execute(kysely)
  return rows.map(row => ({
    bucket: bucketOf(row),
    untoldSince: row.untoldSince,
    packsSinceCheckpoint: row.packsSinceCheckpoint,
    changedAt: row.changedAt,
    isCheckpointUnindexed: row.isCheckpointUnindexed,
    hasPurgeable: row.hasPurgeable,
  }))
}

/** Records that no index of a chat has the removed bucket as one in use: only then its packs are erased. */
export async function removalIndexed({ kysely }: Database, bucketId: string): Promise<void> {
  checkUuid('bucket id', bucketId)
  await kysely
    .updateTable('object_buckets')
    .set({ removal_indexed_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', bucketId)
    .where('removed_at', 'is not', null)
    .where('removal_indexed_at', 'is', null)
    .execute()
}

/** Ends the removal of a bucket when all its messages are gone; whether it has ended. */
export async function endBucketRemoval({ kysely }: Database, bucketId: string): Promise<boolean> {
  checkUuid('bucket id', bucketId)
  const { rows } = await sql<{ has_ended: boolean }>`
    update control_plane.object_buckets bucket set emptied_at = coalesce(emptied_at, clock_timestamp())
     where id = ${bucketId} and removed_at is not null
       and not exists (select from control_plane.packs where bucket_id = bucket.id and state <> 'erased')
       and not exists (select from control_plane.objects where bucket_id = bucket.id)
    returning true as has_ended
  `.execute(kysely)
  return rows.length > 0
}
