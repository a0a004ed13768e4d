import { sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { Database } from '#database.ts'
import { checkCount, checkTime, checkUuid } from '#input-checks.ts'
import { inBucket, noBucket } from '#objects/buckets/bucket-writes.ts'

/** A deletion that no pack tells the chat of yet. */
export interface UntoldDelete {
  /** UUID of the version. */
  id: string
  key: string
  deleted_at: Date
}

/** Deletions to be told, oldest first. `sequence`: only those that a pack of this number can tell. */
export async function untoldDeletes(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, sequence, limit }: { bucketId: string; sequence?: number | undefined; limit: number },
): Promise<UntoldDelete[]> {
  checkUuid('bucket id', bucketId)
  checkCount('limit', limit, 1)
  const { rows } = await sql<UntoldDelete>`
    select object.id, key, deleted_at
      from control_plane.objects object join control_plane.packs pack on pack.id = object.pack_id
     where object.bucket_id = ${bucketId} and object.state = 'deleted' and deleted_in is null
       and pack.sequence < ${sequence ?? Number.MAX_SAFE_INTEGER}
     order by deleted_at, object.id limit ${limit}
  `.execute(kysely)
  return rows
}

/**
 * Removes deleted versions for good whose deletion is told and whose time to be brought back has passed; of a
 * removed bucket all versions; of one that is taken back to a moment none. At most `limit` at a time; returns
 * their number. CatalogError NOT_FOUND, BUSY
 * during a recovery.
 */
export async function purgeObjects(
  database: Database,
  { bucketId, limit }: { bucketId: string; limit: number },
): Promise<number> {
  checkCount('limit', limit, 1)
  return await inBucket(database, { bucketId, evenRemoved: true }, async (trx, bucket) => {
    // What its undelete needs may be due, and has to be there for the next try.
    if (bucket.removed_at === null && bucket.undeleting_to !== null) return 0
    // A pack under way may have a smaller number than the version: it has to find that it is the older one.
    // Or it moves the bytes of the version, and has to find it deleted.
    const due =
      bucket.removed_at === null
        ? sql`state = 'deleted' and deleted_at < clock_timestamp() - ${bucket.undelete_ms} * interval '1 millisecond'
            and exists (select from control_plane.packs teller where teller.id = deleted_in and teller.state <> 'intended')
            and sequence < coalesce((select min(sequence) from control_plane.packs
                                      where bucket_id = ${bucketId} and state = 'intended'), ${bucket.next_sequence})
            and not exists (select from control_plane.objects moving
                             where moving.state = 'intended' and moving.moves in (object.id, object.moves))`
        : sql`state in ('live', 'deleted')`
    const { rows } = await sql<{ purged: number; up_to: number | null; through: Date | null }>`
      with due as materialized (
        select id from control_plane.objects object
         where bucket_id = ${bucketId} and ${due} order by deleted_at limit ${limit}),
      gone as (
        delete from control_plane.objects object using due where object.id = due.id
        returning object.sequence, object.deleted_at)
      select count(*) as purged, max(sequence) as up_to, max(deleted_at) as through from gone
    `.execute(trx)
    const { purged = 0, up_to = null, through = null } = rows[0] ?? {}
    if (up_to === null) return purged
    await sql`
      update control_plane.object_buckets
         set purged_up_to = greatest(purged_up_to, ${up_to}::bigint),
             purged_through = greatest(purged_through, ${through}::timestamptz)
       where id = ${bucketId}
    `.execute(trx)
    return purged
  })
}

/** What takes a bucket back to a moment. */
export interface UndeletePlan {
  /** Deleted versions that were live then, to be stored again under their keys. Sizes in bytes. */
  restore: { id: string; key: string; size: number }[]
  /** Live versions whose keys did not exist then, without those whose deletion a pack under way tells. */
  remove: { id: string; key: string }[]
  /** The number of keys that are now as they were then. */
  unchanged: number
}

/**
 * Compares the bucket with what it was at a moment; what is in the catalog alone does not count. CatalogError
 * INVALID for a moment that is to come or so long ago that deleted versions are gone, NOT_FOUND.
 */
export async function planUndelete(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, at }: { bucketId: string; at: Date },
): Promise<UndeletePlan> {
  checkUuid('bucket id', bucketId)
  checkTime('time', at)
  await refuseUnknownTime({ kysely }, { bucketId, at })
  // Of each key the latest version of that moment decides, whatever older ones say of their deletion.
  const { rows } = await sql<{
    key: string
    then: string | null
    now: string | null
    size: number
    is_going: boolean
    is_same: boolean
  }>`
    with latest as (
      select distinct on (key) id, key, size, sha256, deleted_at from control_plane.objects
       where bucket_id = ${bucketId} and state <> 'intended' and in_chat and stored_at <= ${at}
       order by key, sequence desc, place desc, deleted_at desc nulls first),
    wanted as (select * from latest where deleted_at is null or deleted_at > ${at}),
    live as (
      select id, key, size, sha256, deleted_in from control_plane.objects
       where bucket_id = ${bucketId} and state = 'live' and in_chat)
    select key, wanted.id as "then", live.id as now, wanted.size, deleted_in is not null as is_going,
           coalesce(wanted.sha256 = live.sha256 and wanted.size = live.size, false) as is_same
      from wanted full join live using (key) order by key
  `.execute(kysely)
  const plan: UndeletePlan = { restore: [], remove: [], unchanged: 0 }
  for (const { key, then, now, size, is_going, is_same } of rows) {
    if (is_same) plan.unchanged += 1
    else if (then !== null) plan.restore.push({ id: then, key, size })
    else if (now !== null && !is_going) plan.remove.push({ id: now, key })
  }
  return plan
}

async function refuseUnknownTime(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, at }: { bucketId: string; at: Date },
): Promise<void> {
  const bucket = await kysely
    .selectFrom('object_buckets')
    .select([
      'purged_through',
      sql<boolean>`${at} > clock_timestamp()`.as('is_to_come'),
      // A bucket that was recovered without an index has objects that are older than its row.
      sql<Date>`least(created_at, (select min(stored_at) from control_plane.objects
                                    where bucket_id = object_buckets.id and in_chat))`.as('begun_at'),
    ])
    .where('id', '=', bucketId)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  if (bucket === undefined) throw noBucket(bucketId)
  if (bucket.is_to_come) throw new CatalogError('That moment is to come', { code: 'INVALID' })
  const { begun_at: begun, purged_through: earliest } = bucket
  if (at < begun) {
    throw new CatalogError('The bucket did not exist at that moment', {
      code: 'INVALID',
      hint: `It was begun at ${begun.toISOString()}.`,
    })
  }
  if (earliest === null || at >= earliest) return
  throw new CatalogError('The bucket cannot be taken back so far: some of what it had is gone for good', {
    code: 'INVALID',
    hint: `The earliest moment is ${earliest.toISOString()}.`,
  })
}
