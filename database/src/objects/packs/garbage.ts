import { type Selectable, sql } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { movedChats } from '#chats/chats.ts'
import type { Database } from '#database.ts'
import { checkCount, checkUuid } from '#input-checks.ts'
import { inBucket, inSlices, type ObjectLease } from '#objects/buckets/bucket-writes.ts'
import { packOrRefuse } from '#objects/packs/pack-outcomes.ts'
import { findPacks, isDead, withMessages } from '#objects/packs/pack-queries.ts'
import type { Pack } from '#objects/types.object.ts'
import { type FoundObject, versionsById } from '#objects/versions/objects.ts'

type PackRow = Selectable<CatalogSchema['packs']>

/** Packs of a bucket that can be erased, and those whose erasing has begun; by number, at most `limit`. */
export async function deadPacks(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, limit }: { bucketId: string; limit: number },
): Promise<Pack[]> {
  checkUuid('bucket id', bucketId)
  checkCount('limit', limit, 1)
  const { rows } = await sql<PackRow>`
    select pack.* from control_plane.packs pack
     where pack.bucket_id = ${bucketId} and (pack.state = 'erasing' or (pack.state = 'sent' and ${isDead}))
     order by pack.state, pack.sequence limit ${limit}
  `.execute(kysely)
  return await withMessages({ kysely }, rows)
}

/**
 * The number of packs without any bytes that a version needs, which only wait for a new checkpoint to tell
 * what they tell, or for the index to name it.
 */
export async function packsAwaitingCheckpoint(
  { kysely }: Pick<Database, 'kysely'>,
  bucketId: string,
): Promise<number> {
  checkUuid('bucket id', bucketId)
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from control_plane.packs pack
     where pack.bucket_id = ${bucketId} and pack.state = 'sent' and pack.checkpoint_id is null and not ${isDead}
       and not exists (select from control_plane.extents extent where extent.pack_id = pack.id)
       and not exists (select from control_plane.object_uploads upload where upload.id = pack.upload_id)
  `.execute(kysely)
  return rows[0]?.count ?? 0
}

/**
 * Before the first message of packs is erased: those that still can be erased are `erasing` from here on, and
 * no object can refer to them. None is while the bucket is taken back to a moment, or the index of a chat may
 * still say so: whoever recovered from that chat would need what was deleted since. Returns them, and those
 * that were `erasing` already. `lease`: on the id of the bucket. CatalogError NOT_FOUND, BUSY during a
 * recovery, LEASE_LOST.
 */
export async function beginPackErase(
  database: Database,
  of: { bucketId: string; packIds: readonly string[]; lease: ObjectLease },
): Promise<Pack[]> {
  const { bucketId, lease } = of
  for (const id of of.packIds) checkUuid('pack id', id)
  const erasing: PackRow[] = []
  await inBucket(database, { bucketId, lease, subject: bucketId, evenRemoved: true }, async (trx, bucket) => {
    const mayBegin = sql`(${bucket.undeleting_to === null} and (${bucket.removed_at !== null} or not exists (
      select from control_plane.chats
       where moved_to is null and index_message_id is not null and ${bucketId}::uuid = any (index_names))))`
    for (const ids of inSlices(of.packIds)) {
      const { rows } = await sql<PackRow>`
        update control_plane.packs pack set state = 'erasing'
         where id = any (${ids}::uuid[]) and bucket_id = ${bucketId}
           and (state = 'erasing' or (state = 'sent' and ${mayBegin} and ${isDead}))
        returning pack.*
      `.execute(trx)
      erasing.push(...rows)
      const begun = rows.map(({ id }) => id)
      if (begun.length === 0) continue
      await trx.updateTable('packs').set({ named_by: null }).where('named_by', 'in', begun).execute()
    }
  })
  return await withMessages(database, erasing)
}

/**
 * Makes a pack `erased`. May be repeated. CatalogError CONFLICT when it is not `erasing`, or when one of its
 * messages is neither erased nor replaced; messages of a group from before it became a supergroup do not
 * count. NOT_FOUND, BUSY during a recovery, LEASE_LOST.
 */
export async function endPackErase(
  database: Database,
  { packId, lease }: { packId: string; lease: ObjectLease },
): Promise<void> {
  const { bucket_id: bucketId } = await packOrRefuse(database, packId)
  await inBucket(database, { bucketId, lease, subject: bucketId, evenRemoved: true }, async trx => {
    const left = await trx
      .selectFrom('pack_messages')
      .select('chat_id')
      .where('pack_id', '=', packId)
      .where('message_id', 'is not', null)
      .where('state', 'in', ['sent', 'damaged'])
      .where('chat_id', 'not in', movedChats(trx))
      .executeTakeFirst()
    const erased = await trx
      .updateTable('packs')
      .set({ state: 'erased', erased_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', packId)
      .where('state', 'in', ['erasing', 'erased'])
      .returning('id')
      .executeTakeFirst()
    if (left !== undefined || erased === undefined) {
      throw new CatalogError(`The pack ${packId} still has a message, or is not to be erased`, {
        code: 'CONFLICT',
      })
    }
  })
}

/** A pack that is worth to be rewritten: its live objects go elsewhere, then it is dead. */
export interface SparsePack {
  pack: Pack
  /** Plain bytes that live objects have in it. */
  usedBytes: number
  objects: FoundObject[]
}

/**
 * Shared packs of which live objects need less than half and nothing else needs anything, the emptiest first;
 * at most `limit`. Without packs from which objects are being moved.
 */
export async function sparsePacks(
  { kysely }: Pick<Database, 'kysely'>,
  { bucketId, limit }: { bucketId: string; limit: number },
): Promise<SparsePack[]> {
  checkUuid('bucket id', bucketId)
  checkCount('limit', limit, 1)
  const { rows } = await sql<{ id: string; used: number; objects: string[] }>`
    select extent.pack_id as id, sum(length)::bigint as used, array_agg(distinct object_id) as objects
      from control_plane.packs pack
      join control_plane.extents extent on extent.pack_id = pack.id
      join control_plane.objects object on object.id = extent.object_id
     where pack.bucket_id = ${bucketId} and pack.state = 'sent' and pack.upload_id is null and pack.damaged_at is null
     group by extent.pack_id, pack.plain_size
    having sum(length) * 2 < pack.plain_size and bool_and(object.state = 'live')
       and not exists (select from control_plane.objects moving
                        where moving.state = 'intended' and moving.moves = any (array_agg(object_id)))
     order by sum(length)::float8 / pack.plain_size, extent.pack_id limit ${limit}
  `.execute(kysely)
  const packs = await findPacks(
    { kysely },
    rows.map(({ id }) => id),
  )
  const byId = new Map(packs.map(pack => [pack.id, pack]))
  const objects = await versionsById(
    { kysely },
    rows.flatMap(row => row.objects),
  )
  const objectsById = new Map(objects.map(found => [found.object.id, found]))
  return rows.flatMap(({ id, used, objects: ids }) => {
    const pack = byId.get(id)
    const found = ids.flatMap(version => objectsById.get(version) ?? [])
    return pack === undefined ? [] : [{ pack, usedBytes: used, objects: found }]
  })
}
