import {
  CatalogError,
  closeSend,
  confirmPack,
  findPack,
  keepLeftover,
  type Lease,
  type OpenSend,
} from '@telegram-backup/database'
import { eraseMessage, type FoundMessage, findLostMessages } from 'telegram-deployment-bot'
import { unfinishedLook } from '#session/look-for-messages.ts'
import { reportedPack } from '#session/report.ts'
import { reportPending, type VaultSession } from '#session/session.ts'

/**
 * R2 for packs: looks for the messages of these calls, in each chat that may have any. What `adopt` does not
 * take is erased: nothing needs it. The report has the errors of each chat.
 * @param adopt true when the catalog knows the message from now on
 */
export async function lookForPacks(
  session: VaultSession,
  calls: readonly OpenSend[],
  adopt: (found: FoundMessage) => Promise<boolean>,
): Promise<void> {
  for (const [chatId, open] of Map.groupBy(calls, call => call.chatId)) {
    try {
      await lookInChat(session, { chatId, open, adopt })
    } catch (error) {
      reportPending(session, { chat_id: chatId }, error)
    }
  }
}

async function lookInChat(
  session: VaultSession,
  of: { chatId: string; open: readonly OpenSend[]; adopt: (found: FoundMessage) => Promise<boolean> },
): Promise<void> {
  const { client, vault, gates, database, report, signal, onWait } = session
  const { chatId, open, adopt } = of
  session.say(`looking for lost messages of packs in chat ${chatId}`)
  if ((await gates.enter(chatId)).chatId !== chatId) {
    for (const { id } of open) await closeSend(database, id)
    const reason =
      'The group has become a supergroup: lost packs of the old group are not searched for any more'
    report.kept.push({ chat_id: chatId, reason })
    return
  }
  const sendIds = new Set(open.map(({ id }) => id))
  const look = { chatId, backupId: null, sendIds, signal, onWait }
  const { found, beyondLimit } = await findLostMessages(client, vault, look)
  for (const message of found) {
    if (sendIds.has(message.open.id) && !(await adopt(message))) await eraseUnwanted(session, message)
  }
  if (beyondLimit) throw unfinishedLook()
}

/**
 * P6 for a message that was found. False when nothing needs it: the pack is proven elsewhere, or was given
 * up.
 */
export async function adoptPack(
  { database, client, report }: Pick<VaultSession, 'database' | 'client' | 'report'>,
  { open, messageId, fileId, fileUniqueId, sentAt }: FoundMessage,
  lease: Lease,
): Promise<boolean> {
  const { packId, chatId, id: sendId } = open
  if (packId === null) return false
  const { botId } = client
  try {
    await confirmPack(database, {
      ...{ packId, chatId, messageId, fileId, fileUniqueId, botId, sentAt, sendId, lease },
    })
  } catch (error) {
    if (error instanceof CatalogError && (error.code === 'CONFLICT' || error.code === 'NOT_FOUND'))
      return false
    throw error
  }
  const pack = await findPack(database, packId)
  if (pack) report.packs.push({ ...reportedPack(pack, { chatId, messageId }), outcome: 'adopted' })
  return true
}

async function eraseUnwanted(
  { database, client, vault, report, signal }: VaultSession,
  { open, messageId }: FoundMessage,
): Promise<void> {
  const { chatId, packId } = open
  if (packId === null) return
  const tombstone = { packId, ...(await vault.identity()) }
  const erasure = await eraseMessage(client, { chatId, messageId, tombstone, signal })
  if (erasure.outcome !== 'erased') {
    // A known message is not found again.
    await keepLeftover(database, { chatId, messageId, isTombstone: erasure.outcome === 'tombstone' })
  }
  await closeSend(database, open.id)
  const pack = await findPack(database, packId)
  if (pack) report.packs.push({ ...reportedPack(pack, { chatId, messageId }), ...erasure })
}
