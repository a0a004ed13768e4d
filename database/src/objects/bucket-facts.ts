import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { isUuid } from '#input-checks.ts'
import type { BucketHealth } from '#objects/bucket-health.ts'
import type { Bucket } from '#objects/types.object.ts'

/** A bucket, what it holds and what that takes up. Sizes in bytes. */
export interface BucketFacts extends Bucket, BucketHealth {
  /** Live ones. */
  objects: number
  /** Of live objects. */
  bytes: number
  /** Of deleted objects that can be brought back. */
  undeletable_bytes: number
  /** In packs, before compression, and of no object any more. */
  dead_bytes: number
  /** In all chats. */
  messages: number
}

/** Of all buckets that were not removed, by name, or of one of them. */
export async function bucketFacts(
  { kysely }: Database,
  { bucketId }: { bucketId?: string | undefined } = {},
): Promise<BucketFacts[]> {
  if (bucketId !== undefined && !isUuid(bucketId)) return []
  const isWanted = bucketId === undefined ? sql`true` : sql`bucket.id = ${bucketId}::uuid`
  const { rows } = await sql<BucketFacts>`
    select bucket.id, bucket.name, bucket.kind, bucket.project_id, bucket.undelete_ms, bucket.replica,
           bucket.max_bytes, bucket.snapshot_limit_hours, bucket.created_at, bucket.last_snapshot_at,
           bucket.removed_at, bucket.live_objects as objects, bucket.live_bytes as bytes,
           coalesce(deleted.bytes, 0)::bigint as undeletable_bytes,
           greatest(coalesce(pack.bytes, 0) - coalesce(used.bytes, 0), 0)::bigint as dead_bytes,
           coalesce(message.count, 0) as messages,
           coalesce(pack.damaged, 0) as damaged_packs, pack.last_damaged_at
      from control_plane.object_buckets bucket
      left join lateral (
           select sum(size) as bytes from control_plane.objects object
            where object.bucket_id = bucket.id and state = 'deleted' and in_chat
              and deleted_at > clock_timestamp() - bucket.undelete_ms * interval '1 millisecond') deleted on true
      left join lateral (
           select sum(plain_size) filter (where checkpoint_id is null) as bytes,
                  count(*) filter (where damaged_at is not null) as damaged, max(damaged_at) as last_damaged_at
             from control_plane.packs where bucket_id = bucket.id and state = 'sent') pack on true
      left join lateral (
           select sum(extent.length) as bytes
             from control_plane.packs holder
             join control_plane.extents extent on extent.pack_id = holder.id
            where holder.bucket_id = bucket.id and holder.state = 'sent') used on true
      left join lateral (
           select count(*) as count
             from control_plane.packs holder
             join control_plane.pack_messages one on one.pack_id = holder.id
            where holder.bucket_id = bucket.id and one.state = 'sent') message on true
     where bucket.removed_at is null and ${isWanted}
     order by bucket.name
  `.execute(kysely)
  return rows
}
