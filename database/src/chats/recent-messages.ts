import { type Kysely, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'

/** A message of a backup or a pack that was sent to a chat within the last minute. */
export interface RecentMessage {
  /** The backup, or the writer of the pack. */
  run: string
  /** Identifies it in its chat. */
  key: string
  /** How long ago, in milliseconds; 0 for one under way. */
  ageMs: number
}

/** What was sent to the chat in the last minute, by this process too: Telegram counts it. */
export async function recentMessages({ kysely }: Database, chatId: string): Promise<RecentMessage[]> {
  return await recentMessagesIn(kysely, chatId)
}

/**
 * As `recentMessages`, in a transaction. Telegram's times are whole seconds of another clock, hence two
 * seconds of grace. A message under way counts as sent now, since the time at which it will count is unknown.
 */
export async function recentMessagesIn(
  kysely: Kysely<CatalogSchema>,
  chatId: string,
): Promise<RecentMessage[]> {
  const { rows } = await sql<RecentMessage>`
    with recent (run, key, sent_at, intended_at) as (
      select backup_id::text, backup_id::text || '/' || kind || '/' || part_no, sent_at, intended_at
        from control_plane.backup_parts where chat_id = ${chatId}
      union all
      select writer::text, pack_id::text, message.sent_at, message.intended_at
        from control_plane.pack_messages as message join control_plane.packs on packs.id = pack_id
       where chat_id = ${chatId}
    )
    select run, key,
           coalesce(greatest(0, extract(epoch from clock_timestamp() - sent_at) * 1000 - 2000), 0)::float8 as "ageMs"
      from recent where coalesce(sent_at, intended_at) > clock_timestamp() - interval '62 seconds'
  `.execute(kysely)
  return rows
}
