import { closeSend, keepLeftover, openSends } from '@telegram-backup/database'
import { adoptEvidence, type FoundMessage, findLostMessages, isNotDeletable } from 'telegram-deployment-bot'
import { giveUpMoved, unfinishedLook } from '#session/look-for-messages.ts'
import { reportPending, type VaultSession } from '#session/session.ts'

/**
 * R2 for calls of no backup: copies that were made to look at a message, which the look itself removes,
 * evidence, which is adopted, and new indexes. A chat without an index adopts a lost one at the next drawing;
 * a second index is deleted.
 */
export async function reconcileUnansweredCalls(session: VaultSession): Promise<void> {
  const unanswered = await openSends(session.database, { backupId: null })
  for (const chatId of new Set(unanswered.map(open => open.chatId))) {
    try {
      await reconcileInChat(session, chatId)
    } catch (error) {
      reportPending(session, { chat_id: chatId }, error)
    }
  }
}

async function reconcileInChat(session: VaultSession, chatId: string): Promise<void> {
  const { client, vault, gates, signal, onWait } = session
  if ((await gates.enter(chatId)).chatId !== chatId) {
    return giveUpMoved(session, { backupId: null, chatId })
  }
  const of = { chatId, backupId: null, signal, onWait }
  const { found, beyondLimit } = await findLostMessages(client, vault, of)
  for (const message of found) {
    if (message.open.purpose === 'evidence') await adoptEvidence(client, vault, message)
  }
  const indexes = found.filter(({ open }) => open.purpose === 'index')
  if (indexes.length > 0) await removeSecondIndexes(session, chatId, indexes)
  if (beyondLimit) throw unfinishedLook()
}

async function removeSecondIndexes(
  { database, client, vault, signal }: VaultSession,
  chatId: string,
  found: readonly FoundMessage[],
): Promise<void> {
  // Under the lock no other process has an index that is sent and not yet recorded.
  await vault.withIndexLock(chatId, async () => {
    const { index } = await vault.knownChat(chatId)
    if (index === undefined) return
    for (const { messageId, open } of found) {
      if (messageId !== index.messageId) {
        await client.deleteMessage(chatId, messageId, { signal }).catch(async (error: unknown) => {
          if (!isNotDeletable(error)) throw error
          await keepLeftover(database, { chatId, messageId })
        })
      }
      await closeSend(database, open.id)
    }
  })
}
