import { type Database, listMessages, markPart, type PartKey } from '@telegram-backup/database'

/** A message that the catalog wrongly counts as sound. */
export interface LostMessage extends PartKey {
  messageId: number | undefined
  /** Gone from the chat, or not what was sent. */
  state: 'missing' | 'damaged'
  error?: string
}

/** Marks such a message in the catalog, so that reconcile can repair it from another chat. */
export async function noteLostMessage(database: Database, lost: LostMessage): Promise<void> {
  const { messageId, ...mark } = lost
  const rows = await listMessages(database, lost.backupId)
  const row = rows.find(
    row => row.chat_id === lost.chatId && row.kind === lost.kind && row.part_no === lost.partNumber,
  )
  if (row?.state === 'sent' && row.message_id === messageId) await markPart(database, mark)
}
