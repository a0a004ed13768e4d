import { openSends } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { refreshIndex } from 'telegram-deployment-bot'
import type { ReportedReason } from '#session/report.ts'
import { endsEverything, type VaultSession } from '#session/session.ts'

const UNSEALED = 'No public key is configured (BACKUP_AGE_RECIPIENTS), so the index was left as it is'

/**
 * E2, E4, R8: brings the index of each chat up to date with the catalog. The report and the answer name the
 * chats whose index could not be written; the next reconcile draws it again.
 */
export async function refreshIndexes(
  session: VaultSession,
  chatIds: Iterable<string>,
): Promise<ReportedReason[]> {
  const { client, vault, gates, indexSeal, report, signal } = session
  const left: ReportedReason[] = []
  for (const chatId of new Set(chatIds)) {
    try {
      const access = await gates.enter(chatId)
      if (!(await needsIndex(session, access.chatId))) continue
      if (indexSeal === undefined) {
        left.push({ chat_id: access.chatId, reason: UNSEALED })
        continue
      }
      const { outcome, messageId } = await refreshIndex(client, vault, {
        chatId: access.chatId,
        ...indexSeal,
        signal,
      })
      if (outcome !== 'unchanged') report.indexes.push({ chat_id: access.chatId, message_id: messageId })
    } catch (error) {
      if (endsEverything(session, error)) throw error
      const { message, code } = describeError(error)
      left.push({ chat_id: chatId, code, reason: message })
    }
  }
  report.indexes_left.push(...left)
  return left
}

/** A chat that nothing was ever sent to need not learn of this catalog. */
async function needsIndex({ database, vault }: VaultSession, chatId: string): Promise<boolean> {
  const { index } = await vault.knownChat(chatId)
  if (index !== undefined || (await vault.drawIndex(chatId)).backups.length > 0) return true
  return (await openSends(database, { chatId, backupId: null })).some(({ purpose }) => purpose === 'index')
}
