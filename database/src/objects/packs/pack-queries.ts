import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid, isUuid } from '#input-checks.ts'
import { inSlices } from '#objects/buckets/bucket-writes.ts'
import type { Pack, PackMessage } from '#objects/types.object.ts'
import { livingWriters } from '#objects/versions/uploads.ts'

type Reading = Pick<Database, 'kysely'>
type PackRow = Selectable<CatalogSchema['packs']>

/** Null for an unknown id or one that is no UUID. */
export async function findPack(database: Reading, packId: string): Promise<Pack | null> {
  if (!isUuid(packId)) return null
  const [pack = null] = await findPacks(database, [packId])
  return pack
}

/** Packs with their messages, by bucket and number; unknown ones are left out. CatalogError INVALID. */
export async function findPacks({ kysely }: Reading, packIds: readonly string[]): Promise<Pack[]> {
  for (const id of packIds) checkUuid('pack id', id)
  const rows: PackRow[] = []
  for (const ids of inSlices([...new Set(packIds)])) {
    rows.push(...(await kysely.selectFrom('packs').selectAll().where('id', 'in', ids).execute()))
  }
  rows.sort(
    (a, b) => (a.bucket_id < b.bucket_id ? -1 : Number(a.bucket_id > b.bucket_id)) || a.sequence - b.sequence,
  )
  return await withMessages({ kysely }, rows)
}

/** In the order of the rows. */
export async function withMessages({ kysely }: Reading, rows: readonly PackRow[]): Promise<Pack[]> {
  const messages: PackMessage[] = []
  for (const slice of inSlices(rows)) {
    const found = await kysely
      .selectFrom('pack_messages')
      .select(['pack_id', 'chat_id', 'state', 'message_id', 'file_id', 'bot_id', 'error', 'sent_at'])
      .where(
        'pack_id',
        'in',
        slice.map(({ id }) => id),
      )
      .orderBy('chat_id')
      .execute()
    messages.push(...found)
  }
  const byPack = Map.groupBy(messages, ({ pack_id }) => pack_id)
  return rows.map(({ has_records, named_by, erased_at, ...pack }) => ({
    ...pack,
    messages: byPack.get(pack.id) ?? [],
  }))
}

/** Where a pack is, by chat. CatalogError INVALID. */
export async function packMessages(database: Reading, packId: string): Promise<PackMessage[]> {
  checkUuid('pack id', packId)
  return (await findPack(database, packId))?.messages ?? []
}

/** Packs that were intended by writers that are gone, oldest first. */
export async function unfinishedPacks({ kysely }: Reading): Promise<Pack[]> {
  const rows = await kysely
    .selectFrom('packs')
    .selectAll()
    .where('state', '=', 'intended')
    .orderBy('intended_at')
    .orderBy('id')
    .execute()
  const living = await livingWriters({ kysely })
  return await withMessages(
    { kysely },
    rows.filter(({ writer }) => !living.has(writer)),
  )
}

/**
 * Packs whose message a chat lacks and another chat has, in order of number, at most `limit`: those that it
 * never had, and those that are missing or damaged there. Without dead ones, and without those for which a
 * call is open.
 */
export async function packsLackingCopy(
  { kysely }: Reading,
  of: { bucketId: string; chatId: string; limit: number },
): Promise<Pack[]> {
  checkUuid('bucket id', of.bucketId)
  checkText('chat id', of.chatId)
  checkCount('limit', of.limit, 1)
  const { rows } = await sql<PackRow>`
    select pack.* from control_plane.packs pack
     where pack.bucket_id = ${of.bucketId} and pack.state = 'sent' and not ${isDead}
       and exists (select from control_plane.pack_messages message where message.pack_id = pack.id and message.state = 'sent')
       and not exists (select from control_plane.pack_messages message
                        where message.pack_id = pack.id and message.chat_id = ${of.chatId}
                          and message.state not in ('missing', 'damaged', 'intended'))
       and not exists (select from control_plane.open_sends call
                        where call.pack_id = pack.id and call.chat_id = ${of.chatId})
     order by pack.sequence limit ${of.limit}
  `.execute(kysely)
  return await withMessages({ kysely }, rows)
}

/**
 * Of a row `pack` that is sent: nothing needs it any more. No version has bytes in it, no upload of which it
 * is a part is under way, and what it tells stands in the newest checkpoint, which every chat's index names.
 * A part of a checkpoint: that one was given up, or a newer one is named. Of a removed bucket: every chat's
 * index says that it is removed, or a recovery would bring it back without its objects.
 */
export const isDead: RawBuilder<boolean> = sql<boolean>`(
  not exists (select from control_plane.extents extent where extent.pack_id = pack.id)
  and not exists (select from control_plane.object_uploads upload where upload.id = pack.upload_id)
  and not exists (select from control_plane.object_buckets bucket
                   where bucket.id = pack.bucket_id and bucket.removed_at is not null
                     and bucket.removal_indexed_at is null)
  and (exists (select from control_plane.object_buckets bucket
                where bucket.id = pack.bucket_id and bucket.removal_indexed_at is not null)
    or (pack.checkpoint_id is null and not pack.has_records)
    or exists (select from control_plane.object_checkpoints newest
                where pack.checkpoint_id is null
                  and newest.bucket_id = pack.bucket_id and newest.state = 'sent' and newest.indexed_at is not null
                  and pack.sequence <= newest.covers_up_to and pack.sequence <> all (newest.covers_not))
    or exists (select from control_plane.object_checkpoints own
                where own.id = pack.checkpoint_id and own.state = 'replaced'
                  and (own.sent_at is null or exists (
                        select from control_plane.object_checkpoints newest
                         where newest.bucket_id = pack.bucket_id and newest.state = 'sent' and newest.indexed_at is not null)))))`
