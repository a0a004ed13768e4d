import {
  acquireLease,
  type Backup,
  getBackupById,
  keepRemnant,
  listMessages,
  type MessageRow,
  markSound,
  type UnevenMessage,
  unevenMessages,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { eraseMessage } from 'telegram-deployment-bot'
import { captionOf } from '#session/caption-of-message.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { repairSender } from '#session/repair-sender.ts'
import {
  assertMayGoOn,
  endsEverything,
  type HeldBackup,
  isTheEnd,
  type VaultSession,
} from '#session/session.ts'
import { assertWhole, nameOf, type PlacedMessage, usableFileId } from '#session/whole-messages.ts'

/**
 * R7: gives the second chat what it lacks, and either chat what it has lost and the other still has. Nothing is uploaded:
 * Telegram is told the file id of the message that is whole.
 */
export async function repairChats(
  session: VaultSession,
  chats: { chatId: string; replicaChatId: string },
): Promise<void> {
  const uneven = await unevenMessages(session.database, chats)
  for (const [backupId, messages] of Map.groupBy(uneven, message => message.backupId)) {
    const lease = await acquireLease(session.database, { subject: backupId, purpose: 'reconcile' })
    // Whoever has it is at work on its messages.
    if (lease === null) continue
    try {
      await repairAndProve(session, { backupId, lease }, messages)
    } catch (error) {
      if (endsEverything(session, error)) throw error
      const { message, code } = describeError(error)
      session.report.pending.push({ backup_id: backupId, code, reason: message })
    } finally {
      await lease.release()
    }
  }
}

async function repairAndProve(
  session: VaultSession,
  held: HeldBackup,
  messages: readonly UnevenMessage[],
): Promise<void> {
  const backup = await getBackupById(session.database, held.backupId)
  if (backup?.state !== 'complete') return
  const mended = await repairBackup(session, held, { backup, messages })
  if (backup.damaged_at !== null && mended.size > 0) await proveSound(session, held, { backup, mended })
}

/**
 * Copies these messages of a complete backup from the chat that has them to the one that lacks them, each read first where
 * anything is in doubt. Returns the numbers of those that its own chat got; what could not be mended is in the report.
 */
export async function repairBackup(
  session: VaultSession,
  held: HeldBackup,
  { backup, messages }: { backup: Backup; messages: readonly UnevenMessage[] },
): Promise<ReadonlySet<number>> {
  const { database, gates } = session
  for (const chatId of new Set(messages.flatMap(({ whole, toChatId }) => [whole.chat_id, toChatId]))) {
    await gates.enter(chatId)
  }
  // A copy whose answer was lost may be there.
  await lookForMessages(session, held)
  const rows = await listMessages(database, backup.id)
  const mended = new Set<number>()
  const incomplete = new Set<string>()
  for (const message of messages) {
    const { whole, toChatId, wasSent } = message
    assertMayGoOn(session, held.lease)
    const there = rows.find(row => isPlaceOf(row, message))
    if (there?.state === 'sent') continue
    // A manifest says that all parts are there.
    if (whole.kind === 'manifest' && !wasSent && incomplete.has(toChatId)) continue
    try {
      await copyMessage(session, held, { backup, message, there })
      if (toChatId === backup.chat_id) mended.add(whole.part_no)
    } catch (error) {
      incomplete.add(toChatId)
      leavePending(session, held, error)
    }
  }
  return mended
}

/** One message that cannot be mended now is told, and keeps no other from it. Throws what would meet the others as well. */
function leavePending(session: VaultSession, held: HeldBackup, error: unknown): void {
  const { message: reason, code } = describeError(error)
  if (code === 'UNREACHABLE' || isTheEnd(session, held, error)) throw error
  session.report.pending.push({ backup_id: held.backupId, code, reason })
}

function isPlaceOf({ chat_id, kind, part_no }: MessageRow, { whole, toChatId }: UnevenMessage): boolean {
  return chat_id === toChatId && kind === whole.kind && part_no === whole.part_no
}

async function copyMessage(
  session: VaultSession,
  held: HeldBackup,
  { backup, message, there }: { backup: Backup; message: UnevenMessage; there: MessageRow | undefined },
): Promise<void> {
  const { report, signal } = session
  const { whole, toChatId, wasSent } = message
  session.say(`copying ${nameOf(whole)} of backup ${backup.id} to chat ${toChatId}`)
  const fileId = await usableFileId(session, held, whole)
  // A first copy is of a message that was proven when it was sent, unless something has been found wrong since.
  const isDoubtful = wasSent || backup.damaged_at !== null || whole.error !== null
  if (isDoubtful) await assertWhole(session, held, { message: whole, fileId })
  if (there?.state === 'damaged') await removeDamaged(session, held, there)
  const last = whole.part_no === backup.part_count
  const content =
    whole.kind === 'manifest'
      ? ({ kind: 'manifest' } as const)
      : ({ kind: 'part', number: whole.part_no, last } as const)
  const sent = await repairSender(session, held, toChatId).send(
    {
      facts: {
        kind: whole.kind,
        partNumber: whole.part_no,
        fileName: whole.file_name,
        sha256: whole.sha256,
        sizeBytes: whole.size,
        ...(whole.plain_offset === null ? {} : { plainOffset: whole.plain_offset }),
        ...(whole.plain_size === null ? {} : { plainSize: whole.plain_size }),
        ...(whole.plain_sha256 === null ? {} : { plainSha256: whole.plain_sha256 }),
      },
      caption: await captionOf(session, backup, { chatId: toChatId, content, sha256: whole.sha256 }),
      document: { fileId },
    },
    signal,
  )
  const { kind, part_no } = whole
  const reported = { backup_id: backup.id, kind, part_no, chat_id: toChatId, message_id: sent.messageId }
  if (wasSent) report.mended.push(reported)
  else report.copied.push(reported)
}

/** What stands in the way of the one that is whole, whose row names the new message from now on. */
async function removeDamaged(
  { database, client, vault, signal }: VaultSession,
  { backupId }: HeldBackup,
  { chat_id: chatId, message_id: messageId, kind, part_no: partNumber }: MessageRow,
): Promise<void> {
  if (messageId === null) return
  const tombstone = { backupId, kind, partNumber, ...(await vault.identity()) }
  const { outcome } = await eraseMessage(client, { chatId, messageId, tombstone, signal })
  if (outcome === 'erased') return
  await keepRemnant(database, { chatId, messageId, isTombstone: outcome === 'tombstone' })
}

/**
 * Takes back what was found against a backup, once all of it is there again: then the messages that were not mended, and so
 * not read just now, are read as well.
 */
export async function proveSound(
  session: VaultSession,
  held: HeldBackup,
  { backup, mended }: { backup: Backup; mended: ReadonlySet<number> },
): Promise<void> {
  const { database } = session
  const own = (await listMessages(database, backup.id)).filter(row => row.chat_id === backup.chat_id)
  if (!own.every(isPlaced)) return
  session.say(`reading the rest of backup ${backup.id}, which was damaged`)
  let isSound = true
  for (const message of own.filter(isPlaced)) {
    if (mended.has(message.part_no)) continue
    assertMayGoOn(session, held.lease)
    try {
      const fileId = await usableFileId(session, held, message)
      await assertWhole(session, held, { message, fileId })
    } catch (error) {
      isSound = false
      leavePending(session, held, error)
    }
  }
  if (isSound) await markSound(database, backup.id, 'messages')
}

function isPlaced(row: MessageRow): row is PlacedMessage {
  return row.state === 'sent' && row.message_id !== null
}
