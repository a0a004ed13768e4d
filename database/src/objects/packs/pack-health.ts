import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkUuid } from '#input-checks.ts'

/** A pack that should be in its chats. Sizes in bytes, hashes hex. */
export interface HeldPack {
  id: string
  sequence: number
  /** As sent. */
  size: number
  sha256: string
  encrypted: boolean
  /** Whether it is a part of a checkpoint. */
  is_checkpoint: boolean
  damaged_at: Date | null
  /** By chat: those that are there, or should be. */
  messages: HeldPackMessage[]
}

/** The message of a pack in one chat. */
export type HeldPackMessage = Pick<
  Selectable<CatalogSchema['pack_messages']>,
  'chat_id' | 'bot_id' | 'message_id' | 'file_id' | 'file_unique_id' | 'error'
> & { state: 'sent' | 'missing' | 'damaged' }

const selectHeld: RawBuilder<HeldPack> = sql<HeldPack>`
    select pack.id, pack.sequence, pack.size, pack.sha256, pack.encrypted,
           pack.checkpoint_id is not null as is_checkpoint, pack.damaged_at,
           (select coalesce(jsonb_agg(to_jsonb(message) order by chat_id), '[]') from (
              select chat_id, bot_id, message_id, file_id, file_unique_id, error, state
                from control_plane.pack_messages
               where pack_id = pack.id and state in ('sent', 'missing', 'damaged')) message) as messages
      from control_plane.packs pack`

/** Packs of a bucket with numbers above `after`, in the order of these; not those that are being erased. */
export async function heldPacks(
  { kysely }: Database,
  of: { bucketId: string; after: number; limit: number },
): Promise<HeldPack[]> {
  checkUuid('bucket id', of.bucketId)
  checkCount('sequence', of.after)
  const { rows } = await sql<HeldPack>`
    ${selectHeld}
     where pack.bucket_id = ${of.bucketId} and pack.state = 'sent' and pack.sequence > ${of.after}
     order by pack.sequence limit ${of.limit}
  `.execute(kysely)
  return rows
}

/**
 * Packs of a bucket that were unread for the longest time, those first; without those that no chat can give,
 * which are known to be damaged.
 */
export async function longestUnreadPacks(
  { kysely }: Database,
  of: { bucketId: string; limit: number },
): Promise<HeldPack[]> {
  checkUuid('bucket id', of.bucketId)
  checkCount('limit', of.limit, 1)
  const { rows } = await sql<HeldPack>`
    ${selectHeld} where pack.bucket_id = ${of.bucketId} and ${isReadable}
     order by ${unreadSince}, pack.sequence limit ${of.limit}
  `.execute(kysely)
  return rows
}

/** Of a row `pack`: whether some chat should have it as it was sent. */
export const isReadable: RawBuilder<boolean> = sql<boolean>`(
  pack.state = 'sent' and pack.damaged_at is null
  and exists (select from control_plane.pack_messages message where message.pack_id = pack.id and message.state = 'sent'))`

/** Of a row `pack`: when its bytes were last read; the time of the send, if they never were. */
export const unreadSince: RawBuilder<Date> = sql<Date>`coalesce(pack.verified_at, pack.sent_at)`

/** A piece of a live object in a pack. */
export interface PackPiece {
  object_id: string
  key: string
  /** Of the whole object. */
  size: number
  sha256: string
  /** From 1 to `count`. */
  no: number
  count: number
  /** In the plain bytes of the pack. */
  offset: number
  length: number
}

/** The pieces of live objects in a pack, in the order of the pack. */
export async function piecesOf({ kysely }: Database, packId: string): Promise<PackPiece[]> {
  checkUuid('pack id', packId)
  const { rows } = await sql<PackPiece>`
    select object.id as object_id, object.key, object.size, object.sha256, extent.no,
           (select count(*)::integer from control_plane.extents every where every.object_id = object.id) as count,
           extent.pack_offset as offset, extent.length
      from control_plane.extents extent
      join control_plane.objects object on object.id = extent.object_id
     where extent.pack_id = ${packId} and object.state = 'live'
     order by extent.pack_offset, object.id
  `.execute(kysely)
  return rows
}

/** Live objects of a bucket with bytes that no message has any more: how many, and the first keys. */
export async function lostObjects(
  { kysely }: Database,
  of: { bucketId: string; limit: number },
): Promise<{ count: number; keys: string[] }> {
  checkUuid('bucket id', of.bucketId)
  const { rows } = await sql<{ count: number; keys: string[] | null }>`
    with bad as (
      select pack.id from control_plane.packs pack
       where pack.bucket_id = ${of.bucketId} and pack.state <> 'intended'
         and not exists (select from control_plane.pack_messages message
                          where message.pack_id = pack.id and message.state = 'sent')),
    lost as (
      select distinct object.key from control_plane.extents extent
        join control_plane.objects object on object.id = extent.object_id
       where extent.pack_id in (select id from bad) and object.state = 'live')
    select (select count(*)::integer from lost) as count,
           (select array_agg(key) from (select key from lost order by key limit ${of.limit}) first) as keys
  `.execute(kysely)
  const [{ count, keys } = { count: 0, keys: null }] = rows
  return { count, keys: keys ?? [] }
}

/** Its bytes are those that were sent, and what is in them is wrong: no copy would be better. */
export async function notePackDamaged({ kysely }: Database, packId: string): Promise<void> {
  checkUuid('pack id', packId)
  await kysely
    .updateTable('packs')
    .set({ damaged_at: sql<Date>`coalesce(damaged_at, clock_timestamp())` })
    .where('id', '=', packId)
    .where('state', '=', 'sent')
    .execute()
}
