import { dueLeftovers, forgetLeftover, putOffLeftover } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { isNotDeletable } from 'telegram-deployment-bot'
import { endsEverything, type VaultSession } from '#session/session.ts'

/**
 * R2 for messages that nothing needs and that an earlier run could not remove: at most 100 of each chat, each
 * ever more rarely. Most are older than 48 hours, so that only a new right of the bot helps.
 */
export async function removeLeftoverMessages(
  session: VaultSession,
  chatIds: Iterable<string>,
): Promise<void> {
  const { database, client, report, signal } = session
  for (const chatId of chatIds) {
    for (const messageId of await dueLeftovers(database, chatId)) {
      const of = { chat_id: chatId, message_id: messageId }
      try {
        await client.deleteMessage(chatId, messageId, { signal })
        await forgetLeftover(database, { chatId, messageId })
        report.remnants.push({ ...of, outcome: 'erased' })
      } catch (error) {
        if (endsEverything(session, error)) throw error
        const { message: reason, code } = describeError(error)
        if (!isNotDeletable(error)) {
          report.pending.push({ chat_id: chatId, code, reason })
          break
        }
        await putOffLeftover(database, { chatId, messageId })
        report.remnants.push({ ...of, outcome: 'kept', reason })
      }
    }
  }
}
