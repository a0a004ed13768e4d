import { type RawBuilder, sql } from 'kysely'
import type { Database } from '#database.ts'
import { isReadable, unreadSince } from '#objects/packs/pack-health.ts'
import { isDead } from '#objects/packs/pack-queries.ts'

/** What waits in a bucket; null where nothing does. */
export interface PackAges {
  bucket_id: string
  /** Of the pack that was unread for the longest time: when it was read, or sent if it never was. */
  unread_since: Date | null
  /** When the oldest pack was sent that the second chat lacks; null also without a second chat. */
  uncopied_since: Date | null
}

/**
 * The ages of packs, of all buckets that were not removed.
 * @param of.chatId the second chat, its number as text; undefined for none
 */
export async function packAges(
  { kysely }: Pick<Database, 'kysely'>,
  of: { chatId: string | undefined },
): Promise<PackAges[]> {
  const { rows } = await sql<PackAges>`
    select bucket.id as bucket_id, min(${unreadSince}) filter (where ${isReadable}) as unread_since,
           min(pack.sent_at) filter (where ${isUncopied(of.chatId)}) as uncopied_since
      from control_plane.object_buckets bucket
      left join control_plane.packs pack on pack.bucket_id = bucket.id and pack.state = 'sent'
     where bucket.removed_at is null
     group by bucket.id
  `.execute(kysely)
  return rows
}

/** Of a row `pack` that is sent: the chat should get a copy of it. */
function isUncopied(chatId: string | undefined): RawBuilder<boolean> {
  if (chatId === undefined) return sql<boolean>`false`
  return sql<boolean>`(${isReadable} and not ${isDead}
    and not exists (select from control_plane.pack_messages copy
                     where copy.pack_id = pack.id and copy.chat_id = ${chatId}
                       and copy.state not in ('missing', 'damaged', 'intended')))`
}
