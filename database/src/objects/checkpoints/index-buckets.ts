import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { bucketOf } from '#objects/buckets/buckets.ts'
import type { Bucket } from '#objects/types.object.ts'

/** A message of a pack in the chat of the index. Sizes in bytes, hashes hex. */
export interface IndexedPackRow {
  pack_id: string
  sequence: number
  message_id: number
  file_id: string | null
  bot_id: string | null
  size: number
  sha256: string
}

/** What the index of a chat names of a bucket. */
export interface IndexedBucketRow {
  bucket: Bucket
  /** It is being taken back to this moment, and is not yet as it was then. */
  undeletingTo: Date | null
  /** The newest checkpoint, if all of it is in this chat; its parts in order. */
  checkpoint: { id: string; parts: IndexedPackRow[] } | null
  /** Proven packs in this chat that the checkpoint does not have here, by number: the newest ones. */
  packs: IndexedPackRow[]
}

const MOST_PACKS = 10_000
/**
 * A checkpoint does not see what is proven while its snapshot is taken. A pack that is named twice does no
 * harm.
 */
const OVERLAP_MS = 300_000

/**
 * Buckets with packs in a chat, by id. Also removed ones as long as they have messages: whoever recovers has
 * to know that they are not to come back.
 */
export async function bucketsOfChat(
  { kysely }: Pick<Database, 'kysely'>,
  chatId: string,
): Promise<IndexedBucketRow[]> {
  const { rows } = await sql<Bucket & Omit<IndexedBucketRow, 'bucket'>>`
    with there as materialized (
      select pack.id as pack_id, pack.bucket_id, pack.sequence, pack.checkpoint_id, pack.part_no, pack.size, pack.sha256,
             message.message_id, message.file_id, message.bot_id, message.proven_at
        from control_plane.pack_messages message join control_plane.packs pack on pack.id = message.pack_id
       where message.chat_id = ${chatId} and message.state = 'sent' and pack.state in ('sent', 'erasing')),
    newest as (
      select * from control_plane.object_checkpoints checkpoint
       where state = 'sent' and part_count = (
             select count(distinct part_no) from there where checkpoint_id = checkpoint.id)),
    named as (
      select there.*, row_number() over (partition by there.bucket_id order by there.sequence desc) as rank
        from there left join newest on newest.bucket_id = there.bucket_id
       where there.checkpoint_id is null
         and (newest.id is null or there.sequence > newest.covers_up_to or there.sequence = any (newest.covers_not)
              or there.proven_at > newest.created_at - ${OVERLAP_MS} * interval '1 millisecond'))
    select bucket.*, case when undeleted_at is null then undeleting_to end as "undeletingTo",
           (select case when newest.id is not null then jsonb_build_object('id', newest.id, 'parts', (
                     select jsonb_agg(jsonb_build_object(
                              'pack_id', pack_id, 'sequence', sequence, 'message_id', message_id, 'file_id', file_id,
                              'bot_id', bot_id, 'size', size, 'sha256', sha256) order by part_no)
                       from there where there.checkpoint_id = newest.id)) end) as checkpoint,
           (select coalesce(jsonb_agg(jsonb_build_object(
                     'pack_id', pack_id, 'sequence', sequence, 'message_id', message_id, 'file_id', file_id,
                     'bot_id', bot_id, 'size', size, 'sha256', sha256) order by sequence), '[]')
              from named where named.bucket_id = bucket.id and rank <= ${MOST_PACKS}) as packs
      from control_plane.object_buckets bucket
      left join newest on newest.bucket_id = bucket.id
     where emptied_at is null and bucket.id in (select bucket_id from there)
     order by bucket.id
  `.execute(kysely)
  return rows.map(({ checkpoint, packs, undeletingTo, ...row }) => ({
    ...{ bucket: bucketOf(row), undeletingTo, checkpoint, packs },
  }))
}
