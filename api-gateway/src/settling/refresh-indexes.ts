import { refreshIndex } from 'telegram-deployment-bot'
import { describeError } from '#lib/backups/backup-error.ts'
import { endsEverything, type Settling } from '#settling/settling.ts'

const UNSEALED = 'No public key is configured (BACKUP_AGE_RECIPIENTS), so the index was left as it is'

/**
 * E2, E4, R8: has the index of each chat say what the catalog says. A chat whose index cannot be written is told in the
 * report, and stops neither the others nor an erase: the next reconcile draws it again.
 */
export async function refreshIndexes(settling: Settling, chatIds: Iterable<string>): Promise<void> {
  const { client, vault, gates, indexSeal, report, signal } = settling
  for (const chatId of new Set(chatIds)) {
    try {
      const access = await gates.enter(chatId)
      if (indexSeal === undefined) {
        report.indexes_left.push({ chat_id: access.chatId, reason: UNSEALED })
        continue
      }
      const refreshed = await refreshIndex(client, vault, { chatId: access.chatId, ...indexSeal, signal })
      if (refreshed) report.indexes.push({ chat_id: access.chatId, message_id: refreshed.messageId })
    } catch (error) {
      if (endsEverything(settling, error)) throw error
      const { message, code } = describeError(error)
      report.indexes_left.push({ chat_id: chatId, code, reason: message })
    }
  }
}
