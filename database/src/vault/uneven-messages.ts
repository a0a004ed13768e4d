import { sql } from 'kysely'
import type { MessageRow } from '#backups/messages.ts'
import type { Database } from '#database.ts'

/** A message of a complete backup that one chat has and the other has not. */
export interface UnevenMessage {
  backupId: string
  /** The one that is there. */
  whole: MessageRow & { message_id: number }
  toChatId: string
  /** The other chat had it, and it is missing or damaged there; otherwise it never got there. */
  wasSent: boolean
}

/**
 * What the second chat lacks of the complete backups of the first one, and what either has lost and the other still has.
 * Oldest backup first; of each its parts in order, then the manifest.
 */
export async function unevenMessages(
  database: Database,
  { chatId, replicaChatId }: { chatId: string; replicaChatId: string },
): Promise<UnevenMessage[]> {
  const { rows } = await sql<
    MessageRow & { message_id: number; backup_id: string; to_chat: string; was_sent: boolean }
  >`
    select whole.*, pair.to_chat, coalesce(there.state in ('missing', 'damaged'), false) as was_sent
      from (values (${chatId}::text, ${replicaChatId}::text), (${replicaChatId}, ${chatId})) as pair (from_chat, to_chat)
      join control_plane.backup_parts whole on whole.chat_id = pair.from_chat and whole.state = 'sent'
      join control_plane.backups backup on backup.id = whole.backup_id and backup.state = 'complete'
      left join control_plane.backup_parts there on there.backup_id = whole.backup_id and there.chat_id = pair.to_chat
           and there.kind = whole.kind and there.part_no = whole.part_no
     where there.state in ('missing', 'damaged', 'intended')
        or (there.state is null and backup.chat_id = ${chatId} and pair.to_chat = ${replicaChatId})
     order by backup.created_at, backup.id, pair.to_chat, whole.kind = 'manifest', whole.part_no
  `.execute(database.kysely)
  return rows.map(({ backup_id, to_chat, was_sent, ...whole }) => ({
    backupId: backup_id,
    whole,
    toChatId: to_chat,
    wasSent: was_sent,
  }))
}
