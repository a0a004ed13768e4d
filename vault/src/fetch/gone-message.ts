import { type Database, listMessages, markPart, type PartKey } from '@telegram-backup/database'

/** A message that the catalog wrongly counts as sound. */
export interface GoneMessage extends PartKey {
  messageId: number | undefined
  /** Gone from the chat, or not what was sent. */
  state: 'missing' | 'damaged'
  error?: string
}

/** Marks such a message in the catalog, so that reconcile can repair it from another chat. */
export async function noteGoneMessage(database: Database, gone: GoneMessage): Promise<void> {
  const { messageId, ...mark } = gone
  const rows = await listMessages(database, gone.backupId)
  const row = rows.find(
    row => row.chat_id === gone.chatId && row.kind === gone.kind && row.part_no === gone.partNumber,
  )
  if (row?.state === 'sent' && row.message_id === messageId) await markPart(database, mark)
}
