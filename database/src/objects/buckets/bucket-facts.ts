import { sql } from 'kysely'
import type { Database } from '#database.ts'

/** What a bucket is made of. Sizes in bytes. */
export interface BucketFacts {
  bucket_id: string
  /** Live objects, and their bytes before compression. */
  objects: number
  bytes: number
  /** Of deleted objects that can be brought back. */
  undeletable_bytes: number
  /**
   * An estimate of the bytes in the chat that no object needs: packs that hold none, and of the others, taken
   * together, the share of what was packed that belongs to no object any more.
   */
  dead_bytes: number
  /** Of all packs as they are in one chat. */
  stored_bytes: number
  packs: number
  /** In all chats. */
  messages: number
  /** Packs that no chat can give. */
  damaged_packs: number
  newest_snapshot_at: Date | null
}

/** The facts of all buckets that were not removed, or of some; by name. */
export async function bucketFacts(
  { kysely }: Pick<Database, 'kysely'>,
  of: { bucketIds?: readonly string[] | undefined } = {},
): Promise<BucketFacts[]> {
  const wanted = of.bucketIds === undefined ? sql`true` : sql`bucket.id = any (${[...of.bucketIds]}::uuid[])`
  const { rows } = await sql<BucketFacts>`
    with wanted as materialized (
      select * from control_plane.object_buckets bucket where removed_at is null and ${wanted}),
    pack_sums as (
      select pack.bucket_id, count(*) as packs, sum(size)::bigint as stored_bytes, count(damaged_at) as damaged_packs,
             sum(plain_size) filter (where checkpoint_id is null)::float8 as plain_bytes,
             sum(size) filter (where checkpoint_id is null and plain_size > 0)::float8 as filled_bytes,
             sum(size) filter (where checkpoint_id is null and plain_size = 0)::float8 as empty_bytes
        from control_plane.packs pack join wanted on wanted.id = pack.bucket_id
       where pack.state in ('sent', 'erasing') group by pack.bucket_id),
    message_sums as (
      select pack.bucket_id, count(*) as messages
        from control_plane.packs pack join wanted on wanted.id = pack.bucket_id
        join control_plane.pack_messages message on message.pack_id = pack.id
       where pack.state in ('sent', 'erasing') and message.state in ('sent', 'damaged') group by pack.bucket_id),
    deleted_sums as (
      select bucket_id, sum(size)::bigint as bytes from control_plane.objects
       where state = 'deleted' and bucket_id in (select id from wanted) group by bucket_id)
    select wanted.id as bucket_id, live_objects as objects, live_bytes as bytes,
           coalesce(deleted_sums.bytes, 0) as undeletable_bytes,
           (coalesce(empty_bytes, 0) + coalesce(filled_bytes, 0) * greatest(0,
             1 - (live_bytes + coalesce(deleted_sums.bytes, 0)) / nullif(plain_bytes, 0)))::bigint as dead_bytes,
           coalesce(stored_bytes, 0) as stored_bytes, coalesce(packs, 0) as packs, coalesce(messages, 0) as messages,
           coalesce(damaged_packs, 0) as damaged_packs, last_snapshot_at as newest_snapshot_at
      from wanted
      left join pack_sums on pack_sums.bucket_id = wanted.id
      left join message_sums on message_sums.bucket_id = wanted.id
      left join deleted_sums on deleted_sums.bucket_id = wanted.id
     order by name
  `.execute(kysely)
  return rows
}
