import {
  CatalogError,
  closeSend,
  confirmPart,
  getBackupById,
  keepLeftover,
  openSends,
  partKeyOf,
} from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { eraseMessage, type FoundMessage, findLostMessages } from 'telegram-deployment-bot'
import type { ReportedMessage } from '#session/report.ts'
import {
  assertMayGoOn,
  type HeldBackup,
  isTheEnd,
  reportPending,
  type VaultSession,
} from '#session/session.ts'

/**
 * R2: looks for the messages of a backup whose answers were lost, in each chat that may have any. A message
 * that is there is adopted as if its answer had come, or erased if nothing needs it. Throws the errors of the
 * backup's own chat, and `UNFINISHED` when there are too many messages for one look; the next look continues
 * there. The report has the errors of other chats.
 */
export async function lookForMessages(session: VaultSession, held: HeldBackup): Promise<void> {
  const { database, report } = session
  const { backupId } = held
  const open = await openSends(database, { backupId })
  if (open.length === 0) return
  const backup = await getBackupById(database, backupId)
  for (const chatId of new Set(open.map(send => send.chatId))) {
    try {
      await lookInChat(session, held, chatId)
    } catch (error) {
      if (chatId === backup?.chat_id || isTheEnd(session, held, error)) throw error
      reportPending(session, { backup_id: backupId, chat_id: chatId }, error)
    }
  }
  for (const { chatId, purpose, partNumber } of await openSends(database, { backupId })) {
    const reason = `${purpose === 'part' ? `part ${partNumber}` : purpose} was not found; it may still appear`
    report.looked_for_again.push({ backup_id: backupId, chat_id: chatId, reason })
  }
}

async function lookInChat(session: VaultSession, held: HeldBackup, chatId: string): Promise<void> {
  const { client, vault, gates, signal, onWait } = session
  const { backupId } = held
  assertMayGoOn(session, held.lease)
  session.say(`looking for lost messages of backup ${backupId} in chat ${chatId}`)
  if ((await gates.enter(chatId)).chatId !== chatId) {
    return giveUpMoved(session, { backupId, chatId })
  }
  const { found, beyondLimit } = await findLostMessages(client, vault, { chatId, backupId, signal, onWait })
  for (const message of found) await reconcileFound(session, held, message)
  if (beyondLimit) throw unfinishedLook()
}

/** The error of a look that ended early: a message that was not found may still exist. */
export function unfinishedLook(): BackupError {
  return new BackupError('There are more messages to check than one run can check', {
    code: 'UNFINISHED',
    hint: hint`Run "${run('reconcile')}" until no message is left to check. Each run continues where the previous run ended.`,
  })
}

/** Messages from before a group became a supergroup can be read by id, but neither looked for nor removed. */
export async function giveUpMoved(
  { database, report }: VaultSession,
  { backupId, chatId }: { backupId: string | null; chatId: string },
): Promise<void> {
  for (const { id } of await openSends(database, { chatId, backupId })) await closeSend(database, id)
  const reason =
    'The group has become a supergroup: lost messages of the old group are not searched for any more'
  report.kept.push({ backup_id: backupId ?? undefined, chat_id: chatId, reason })
}

async function reconcileFound(session: VaultSession, held: HeldBackup, found: FoundMessage): Promise<void> {
  const { chatId, purpose, partNumber } = found.open
  if (purpose !== 'part' && purpose !== 'manifest') return
  const message: ReportedMessage = {
    backup_id: held.backupId,
    kind: purpose,
    part_no: partNumber ?? 0,
    chat_id: chatId,
    message_id: found.messageId,
  }
  if ((await isWanted(session, held.backupId)) && (await adopt(session, held, { found, message }))) {
    session.report.adopted.push(message)
    return
  }
  await eraseUnwanted(session, held, { found, message })
}

/** A backup that is being erased also needs the row of its message: erasing goes through the rows. */
async function isWanted({ database }: VaultSession, backupId: string): Promise<boolean> {
  const backup = await getBackupById(database, backupId)
  return backup !== null && backup.state !== 'erased'
}

/** False when the chat has the message twice and the catalog knows the other one. */
async function adopt(
  { database, client }: VaultSession,
  { backupId, lease }: HeldBackup,
  { found, message }: { found: FoundMessage; message: ReportedMessage },
): Promise<boolean> {
  try {
    await confirmPart(database, {
      ...partKeyOf(backupId, message),
      messageId: found.messageId,
      fileId: found.fileId,
      fileUniqueId: found.fileUniqueId,
      botId: client.botId,
      sentAt: found.sentAt,
      sendId: found.open.id,
      leaseToken: lease.token,
    })
    return true
  } catch (error) {
    if (error instanceof CatalogError && error.code === 'CONFLICT') return false
    throw error
  }
}

async function eraseUnwanted(
  { database, client, vault, report, signal }: VaultSession,
  { backupId }: HeldBackup,
  { found, message }: { found: FoundMessage; message: ReportedMessage },
): Promise<void> {
  const erasure = await eraseMessage(client, {
    chatId: message.chat_id,
    messageId: found.messageId,
    tombstone: { ...partKeyOf(backupId, message), ...(await vault.identity()) },
    signal,
  })
  if (erasure.outcome !== 'erased') {
    // A known message is not found again.
    const { chat_id: chatId } = message
    const isTombstone = erasure.outcome === 'tombstone'
    await keepLeftover(database, { chatId, messageId: found.messageId, isTombstone })
  }
  await closeSend(database, found.open.id)
  report.erased.push({ ...message, ...erasure })
}
