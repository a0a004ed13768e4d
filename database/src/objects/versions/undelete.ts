import { sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkTime, checkUuid } from '#input-checks.ts'
import { type BucketRow, inBucket } from '#objects/buckets/bucket-writes.ts'
import { takeNewestSnapshot } from '#objects/buckets/newest-snapshot.ts'
import { isSame, otherUndelete } from '#objects/versions/closed-bucket.ts'
import { planUndelete, type UndeletePlan } from '#objects/versions/deletions.ts'

// The order of an undelete: beginUndelete; the index of the chat names it; packs with its records, each by
// `planUndelete`; settleUndelete; no index names it any more; endUndelete.

interface Undelete {
  bucketId: string
  /** The moment to go back to. */
  at: Date
}

/**
 * Marks a bucket as one that is taken back to a moment, and records in the audit who did it. From then on,
 * only packs of this undelete change its objects, nothing is purged, and no pack is erased. An undelete to
 * another moment that is under way is given up. One to the same moment goes on, and a bucket that is as it
 * was then gets no mark. Returns what there is to do. CatalogError INVALID for a moment that cannot be
 * reached, NOT_FOUND, BUSY during a recovery.
 */
export async function beginUndelete(database: Database, { bucketId, at }: Undelete): Promise<UndeletePlan> {
  checkTime('time', at)
  return await inBucket(database, { bucketId }, async (trx, bucket) => {
    const plan = await planUndelete({ kysely: trx }, { bucketId, at })
    if (isSame(bucket.undeleting_to, at)) return plan
    const isThere = isEmpty(plan) && !(await isUnsettled(trx, bucketId))
    if (!isThere || bucket.undeleting_to !== null) {
      await trx
        .updateTable('object_buckets')
        .set({ undeleting_to: at, undeleted_at: null })
        .where('id', '=', bucketId)
        .execute()
    }
    const details = { at: at.toISOString(), restored: plan.restore.length, removed: plan.remove.length }
    const of = { actor: database.actor, object: bucketId, projectId: bucket.project_id }
    await addToAudit(trx, { ...of, act: 'bucket.undelete', details })
    return plan
  })
}

/** The moment to which a bucket is being taken back, also while only its end is missing; null for none. */
export async function undeletingTo(
  { kysely }: Pick<Database, 'kysely'>,
  bucketId: string,
): Promise<Date | null> {
  checkUuid('bucket id', bucketId)
  const bucket = await kysely
    .selectFrom('object_buckets')
    .select('undeleting_to')
    .where('id', '=', bucketId)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return bucket?.undeleting_to ?? null
}

/**
 * Records that the bucket is as it was at that moment; whether it is. It is not as long as there is something
 * to do, or a pack under way could still change it. CatalogError CONFLICT when no undelete to that moment is
 * under way, NOT_FOUND, BUSY during a recovery.
 */
export async function settleUndelete(database: Database, { bucketId, at }: Undelete): Promise<boolean> {
  return await inBucket(database, { bucketId }, async (trx, bucket) => {
    refuseOther(bucket, at)
    if (bucket.undeleted_at !== null) return true
    if (await isUnsettled(trx, bucketId)) return false
    if (!isEmpty(await planUndelete({ kysely: trx }, { bucketId, at }))) return false
    await trx
      .updateTable('object_buckets')
      .set({ undeleted_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', bucketId)
      .execute()
    await takeNewestSnapshot(trx, bucketId)
    return true
  })
}

/**
 * Opens the bucket again after `settleUndelete`; whether it did. It does not as long as the index of the
 * first chat (`chatId`, numeric) may name the undelete: whoever recovered from it would undo what is stored
 * from now on. Another chat whose index may name it gets no copy before its index is drawn again.
 * CatalogError CONFLICT when no settled undelete to that moment is under way, NOT_FOUND, BUSY during a
 * recovery.
 */
export async function endUndelete(
  database: Database,
  { bucketId, at, chatId }: Undelete & { chatId: string },
): Promise<boolean> {
  return await inBucket(database, { bucketId }, async (trx, bucket) => {
    refuseOther(bucket, at)
    if (bucket.undeleted_at === null) throw otherUndelete()
    const { rows } = await sql<{ is_named: boolean }>`
      select exists (
        select from control_plane.chats
         where chat_id = ${chatId}
           and (${bucketId}::uuid = any (index_names) or index_next_edition is not null)) as is_named
    `.execute(trx)
    if (rows[0]?.is_named !== false) return false
    // An edit whose answer was lost may have named it; the next drawing says what is there for certain.
    await sql`
      update control_plane.chats set index_names = array_append(index_names, ${bucketId}::uuid)
       where index_next_edition is not null and not ${bucketId}::uuid = any (index_names)
    `.execute(trx)
    await trx
      .updateTable('object_buckets')
      .set({ undeleting_to: null, undeleted_at: null })
      .where('id', '=', bucketId)
      .execute()
    return true
  })
}

/**
 * Whether the index of a chat (numeric id) may say something else of an undelete than the catalog. Whoever
 * recovers from that chat alone must not find half of an undelete in an open bucket, nor undo what was stored
 * after one: the index has to be drawn again before the chat gets anything of the bucket.
 */
export async function mayIndexMissUndelete(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, chatId }: { bucketId: string; chatId: string },
): Promise<boolean> {
  checkUuid('bucket id', bucketId)
  const { rows } = await sql<{ may_miss: boolean }>`
    select undeleting_to is not null or exists (
             select from control_plane.chats where chat_id = ${chatId} and bucket.id = any (index_names)) as may_miss
      from control_plane.object_buckets bucket where id = ${bucketId} and removed_at is null
  `.execute(kysely)
  return rows[0]?.may_miss ?? false
}

function refuseOther({ undeleting_to }: BucketRow, at: Date): void {
  if (!isSame(undeleting_to, at)) throw otherUndelete()
}

function isEmpty({ restore, remove }: UndeletePlan): boolean {
  return restore.length + remove.length === 0
}

/**
 * Whether a pack that is not proven could change what is live: it puts a key of which there is no later
 * version, or tells the deletion of a live version.
 */
async function isUnsettled(trx: Transaction<CatalogSchema>, bucketId: string): Promise<boolean> {
  const { rows } = await sql<{ is_unsettled: boolean }>`
    select exists (
      select from control_plane.objects mine
       where mine.bucket_id = ${bucketId} and mine.state = 'intended' and mine.moves is null
         and not exists (
           select from control_plane.objects later
            where later.bucket_id = mine.bucket_id and later.key = mine.key and later.in_chat
              and later.state <> 'intended' and (later.sequence, later.place) > (mine.sequence, mine.place)))
        or exists (
      select from control_plane.packs pack join control_plane.objects object on object.deleted_in = pack.id
       where pack.bucket_id = ${bucketId} and pack.state = 'intended' and object.state = 'live') as is_unsettled
  `.execute(trx)
  return rows[0]?.is_unsettled ?? true
}
