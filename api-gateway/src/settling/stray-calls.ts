import { openSends } from '@telegram-backup/database'
import { findLostMessages } from 'telegram-deployment-bot'
import { describeError } from '#lib/backups/backup-error.ts'
import { endsEverything, type Settling } from '#settling/settling.ts'

/** R2 for what belongs to no backup: copies that were made to be looked at, and new indexes. */
export async function settleStrayCalls(settling: Settling): Promise<void> {
  const { database, client, vault, gates, signal, report, onWait } = settling
  const strays = await openSends(database, { backupId: null })
  for (const chatId of new Set(strays.map(open => open.chatId))) {
    try {
      await gates.enter(chatId)
      await findLostMessages(client, vault, { chatId, backupId: null, signal, ...(onWait && { onWait }) })
    } catch (error) {
      if (endsEverything(settling, error)) throw error
      const { message, code } = describeError(error)
      report.pending.push({ chat_id: chatId, code, reason: message })
    }
  }
}
