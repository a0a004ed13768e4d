import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'

interface ProvenPack {
  bucketId: string
  packId: string
}

/**
 * Does to the versions of a bucket what the put records of a pack say, and ends the uploads that it ends. To
 * be called with the bucket locked, while the objects of the pack are intended. Of two versions of a key the
 * one with the greater number wins, in whatever order their packs are proven.
 */
export async function applyPuts(trx: Transaction<CatalogSchema>, pack: ProvenPack): Promise<void> {
  await takeOverMoved(trx, pack)
  await overwriteOlder(trx, pack)
  await trx
    .deleteFrom('object_uploads')
    .where('id', 'in', trx.selectFrom('objects').select('id').where('pack_id', '=', pack.packId))
    .execute()
}

/**
 * A version that moves another one takes over everything from it: also that it was deleted or overwritten
 * meanwhile. If another pack has moved that one already, it takes over from there. If the other one is
 * unknown, it stays an ordinary object.
 */
async function takeOverMoved(trx: Transaction<CatalogSchema>, pack: ProvenPack): Promise<void> {
  const { bucketId, packId } = pack
  const { rows } = await sql<{ object: string; source: string }>`
    select object.id as object, source.*
      from control_plane.objects object
     cross join lateral (
       select id as source, state, sequence, place, stored_at, deleted_at, deleted_in
         from control_plane.objects earlier
        where (earlier.id = object.moves or earlier.moves = object.moves) and earlier.id <> object.id
          and earlier.bucket_id = ${bucketId} and earlier.key = object.key and earlier.state <> 'intended'
        order by earlier.id = object.moves desc limit 1) source
     where object.pack_id = ${packId} and object.state = 'intended' and object.moves is not null
  `.execute(trx)
  if (rows.length === 0) return
  // The other one goes first: only one version of a key is live.
  const moves = JSON.stringify(rows)
  await sql`
    delete from control_plane.objects
     where id in (select source from jsonb_to_recordset(${moves}::jsonb) as move (source uuid))
  `.execute(trx)
  await sql`
    update control_plane.objects object
       set state = move.state, sequence = move.sequence, place = move.place, stored_at = move.stored_at,
           deleted_at = move.deleted_at, deleted_in = move.deleted_in
      from jsonb_to_recordset(${moves}::jsonb) as move (object uuid, state text, sequence bigint, place integer,
             stored_at timestamptz, deleted_at timestamptz, deleted_in uuid)
     where object.id = move.object
  `.execute(trx)
}

async function overwriteOlder(trx: Transaction<CatalogSchema>, pack: ProvenPack): Promise<void> {
  const { bucketId, packId } = pack
  await sql`
    update control_plane.objects object
       set state = 'deleted', deleted_at = later.stored_at, deleted_in = later.pack_id
      from control_plane.objects mine
     cross join lateral (
       select stored_at, pack_id from control_plane.objects other
        where other.bucket_id = ${bucketId} and other.key = mine.key and other.in_chat
          and (other.sequence, other.place) > (mine.sequence, mine.place)
          and (other.state <> 'intended' or other.pack_id = ${packId})
        order by other.sequence, other.place limit 1) later
     where mine.pack_id = ${packId} and mine.state = 'intended' and object.id = mine.id
  `.execute(trx)
  // Each key is looked up by itself, which `limit` ensures. Where there are no statistics yet, the planner
  // takes a bucket for almost empty, and would read all its live objects for each pack.
  const overwritten = sql`
    control_plane.objects mine
     cross join lateral (
       select id, in_chat from control_plane.objects other
        where other.bucket_id = ${bucketId} and other.key = mine.key and other.state = 'live' limit 1) live
     where mine.pack_id = ${packId} and mine.state = 'intended'`
  await sql`
    delete from control_plane.objects
     where id in (select live.id from ${overwritten} and not live.in_chat)
  `.execute(trx)
  await sql`
    update control_plane.objects old
       set state = 'deleted', deleted_at = by.stored_at, deleted_in = ${packId}
      from (select live.id, mine.stored_at from ${overwritten}) by
     where old.id = by.id
  `.execute(trx)
  await trx
    .updateTable('objects')
    .set({ state: 'live' })
    .where('pack_id', '=', packId)
    .where('state', '=', 'intended')
    .execute()
}

/** Versions that are live although the pack tells of their deletion are deleted with it. */
export async function applyToldDeletes(trx: Transaction<CatalogSchema>, pack: ProvenPack): Promise<void> {
  await trx
    .updateTable('objects')
    .set({ state: 'deleted', deleted_at: sql<Date>`clock_timestamp()` })
    .where('deleted_in', '=', pack.packId)
    .where('bucket_id', '=', pack.bucketId)
    .where('state', '=', 'live')
    .execute()
}
