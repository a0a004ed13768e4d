import { sql } from 'kysely'
import type { MessageRow } from '#backups/messages.ts'
import type { Database } from '#database.ts'

/** A message of a complete backup that one of two chats has and the other lacks. */
export interface UnevenMessage {
  backupId: string
  /** The message that is in its chat. */
  whole: MessageRow & { message_id: number }
  toChatId: string
  /** That chat has lost it; else it was never there, as far as is known. */
  wasSent: boolean
}

/**
 * What the second chat lacks of the complete backups of the first (even if it was erased there before the
 * backup was complete), and what either has lost and the other still has. Of all backups or of one; oldest
 * backup first, the manifest of each last.
 */
export async function unevenMessages(
  database: Database,
  of: { chatId: string; replicaChatId: string; backupId?: string | undefined },
): Promise<UnevenMessage[]> {
  const { chatId, replicaChatId, backupId: only } = of
  const { rows } = await sql<UnevenRow>`
    select whole.*, ways.to_chat as uneven_to,
           ways.to_chat = backup.chat_id or coalesce(other.state in ('missing', 'damaged'), false) as uneven_was_sent
      from (values (${chatId}, ${replicaChatId}), (${replicaChatId}, ${chatId})) as ways (from_chat, to_chat)
      join control_plane.backups backup on backup.chat_id = ${chatId} and backup.state = 'complete'
      join control_plane.backup_parts whole on whole.backup_id = backup.id and whole.chat_id = ways.from_chat
           and whole.state = 'sent' and whole.message_id is not null
      left join control_plane.backup_parts other on other.backup_id = backup.id and other.chat_id = ways.to_chat
           and other.kind = whole.kind and other.part_no = whole.part_no
     where other.state is distinct from 'sent' and ${only === undefined ? sql`true` : sql`backup.id = ${only}`}
     order by backup.created_at, backup.id, whole.kind = 'manifest', whole.part_no, ways.to_chat
  `.execute(database.kysely)
  return rows.map(({ backup_id: backupId, uneven_to: toChatId, uneven_was_sent: wasSent, ...whole }) => ({
    backupId,
    whole,
    toChatId,
    wasSent,
  }))
}

type UnevenRow = MessageRow & {
  message_id: number
  backup_id: string
  uneven_to: string
  uneven_was_sent: boolean
}
