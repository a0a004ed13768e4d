import { closeSend, keepRemnant, openSends } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { type FoundMessage, findLostMessages, isNotDeletable } from 'telegram-deployment-bot'
import { giveUpMoved, unfinishedLook } from '#session/look-for-messages.ts'
import { endsEverything, type VaultSession } from '#session/session.ts'

/**
 * R2 for what belongs to no backup: copies that were made to be looked at, which the look itself removes, and new indexes.
 * A chat that lacks an index adopts a lost one when its index is next written; a second one is deleted.
 */
export async function reconcileUnansweredCalls(session: VaultSession): Promise<void> {
  const { database, report } = session
  const strays = await openSends(database, { backupId: null })
  for (const chatId of new Set(strays.map(open => open.chatId))) {
    try {
      await reconcileInChat(session, chatId)
    } catch (error) {
      if (endsEverything(session, error)) throw error
      const { message, code } = describeError(error)
      report.pending.push({ chat_id: chatId, code, reason: message })
    }
  }
}

async function reconcileInChat(session: VaultSession, chatId: string): Promise<void> {
  const { client, vault, gates, signal, onWait } = session
  if ((await gates.enter(chatId)).chatId !== chatId) {
    return giveUpMoved(session, { backupId: null, chatId })
  }
  const { found, beyondLimit } = await findLostMessages(client, vault, {
    chatId,
    backupId: null,
    signal,
    ...(onWait && { onWait }),
  })
  if (found.length > 0) await removeSecondIndexes(session, chatId, found)
  if (beyondLimit) throw unfinishedLook()
}

async function removeSecondIndexes(
  { database, client, vault, signal }: VaultSession,
  chatId: string,
  found: readonly FoundMessage[],
): Promise<void> {
  // Under the lock, no other process is between its new index and the record of it.
  await vault.withIndexLock(chatId, async () => {
    const { index } = await vault.knownChat(chatId)
    if (index === undefined) return
    for (const { messageId, open } of found) {
      if (messageId !== index.messageId) {
        await client.deleteMessage(chatId, messageId, { signal }).catch(async (error: unknown) => {
          if (!isNotDeletable(error)) throw error
          await keepRemnant(database, { chatId, messageId })
        })
      }
      await closeSend(database, open.id)
    }
  })
}
