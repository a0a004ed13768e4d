import {
  acquireLease,
  type Backup,
  getBackupById,
  learnFileId,
  listMessages,
  type MessageRow,
  markSound,
  type UnevenMessage,
  unevenMessages,
} from '@telegram-backup/database'
import { eraseMessage, renewFileId } from 'telegram-deployment-bot'
import { BackupError, describeError } from '#lib/backups/backup-error.ts'
import { captionOf } from '#settling/caption-of-message.ts'
import { heldSender } from '#settling/held-sender.ts'
import { lookForMessages } from '#settling/look-for-messages.ts'
import { assertMayGoOn, endsEverything, type HeldBackup, type Settling } from '#settling/settling.ts'

/**
 * R7: gives the second chat what it lacks, and either chat what it has lost and the other still has. Nothing is uploaded:
 * Telegram is told the file id of the message that is whole.
 */
export async function mendChats(
  settling: Settling,
  chats: { chatId: string; replicaChatId: string },
): Promise<void> {
  const uneven = await unevenMessages(settling.database, chats)
  for (const [backupId, messages] of Map.groupBy(uneven, message => message.backupId)) {
    const lease = await acquireLease(settling.database, { subject: backupId, purpose: 'reconcile' })
    // Whoever has it is at work on its messages.
    if (lease === null) continue
    try {
      await mendBackup(settling, { backupId, lease }, messages)
    } catch (error) {
      if (endsEverything(settling, error)) throw error
      const { message, code } = describeError(error)
      settling.report.pending.push({ backup_id: backupId, code, reason: message })
    } finally {
      await lease.release()
    }
  }
}

async function mendBackup(
  settling: Settling,
  held: HeldBackup,
  messages: readonly UnevenMessage[],
): Promise<void> {
  const { database } = settling
  const backup = await getBackupById(database, held.backupId)
  if (backup?.state !== 'complete') return
  // A copy whose answer was lost may be there.
  await lookForMessages(settling, held)
  const rows = await listMessages(database, backup.id)
  for (const message of messages) {
    assertMayGoOn(settling, held.lease)
    const there = rows.find(row => isPlaceOf(row, message))
    if (there?.state !== 'sent') await copyMessage(settling, held, { backup, message, there })
  }
  if (backup.damaged_at === null) return
  const own = (await listMessages(database, backup.id)).filter(row => row.chat_id === backup.chat_id)
  if (own.every(row => row.state === 'sent')) await markSound(database, backup.id)
}

function isPlaceOf({ chat_id, kind, part_no }: MessageRow, { whole, toChatId }: UnevenMessage): boolean {
  return chat_id === toChatId && kind === whole.kind && part_no === whole.part_no
}

async function copyMessage(
  settling: Settling,
  held: HeldBackup,
  { backup, message, there }: { backup: Backup; message: UnevenMessage; there: MessageRow | undefined },
): Promise<void> {
  const { gates, report, signal } = settling
  const { whole, toChatId, wasSent } = message
  await gates.enter(whole.chat_id)
  await gates.enter(toChatId)
  settling.say(`copying ${describe(whole)} of backup ${backup.id} to chat ${toChatId}`)
  const fileId = await usableFileId(settling, held, message)
  // What mends a loss is looked at first; a first copy is of a message that was proven when it was sent.
  if (wasSent) await assertWhole(settling, fileId, message)
  if (there?.state === 'damaged') await removeDamaged(settling, held, there)
  const last = whole.part_no === backup.part_count
  const content =
    whole.kind === 'manifest'
      ? ({ kind: 'manifest' } as const)
      : ({ kind: 'part', number: whole.part_no, last } as const)
  const sent = await heldSender(settling, held, toChatId).send(
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
      caption: await captionOf(settling, backup, { chatId: toChatId, content, sha256: whole.sha256 }),
      document: { fileId },
    },
    signal,
  )
  const { kind, part_no } = whole
  const reported = { backup_id: backup.id, kind, part_no, chat_id: toChatId, message_id: sent.messageId }
  if (wasSent) report.mended.push(reported)
  else report.copied.push(reported)
}

/** A file id belongs to the bot that got it; a new bot learns its own from the message. */
async function usableFileId(
  { database, client, vault, signal }: Settling,
  { backupId }: HeldBackup,
  { whole }: UnevenMessage,
): Promise<string> {
  if (whole.file_id !== null && whole.bot_id === client.botId) return whole.file_id
  const { chat_id: chatId, message_id: messageId, kind, part_no: partNo, size, sha256 } = whole
  const renewed = await renewFileId(client, vault, { chatId, messageId, expected: { size, sha256 }, signal })
  await learnFileId(database, {
    partKey: { backupId, chatId, kind, partNo },
    botId: client.botId,
    ...renewed,
  })
  return renewed.fileId
}

/** What stands in the way of the one that is whole, whose row names the new message from now on. */
async function removeDamaged(
  { client, vault, signal }: Settling,
  { backupId }: HeldBackup,
  { chat_id: chatId, message_id: messageId, kind, part_no: partNumber }: MessageRow,
): Promise<void> {
  if (messageId === null) return
  const tombstone = { backupId, kind, partNumber, ...(await vault.identity()) }
  await eraseMessage(client, { chatId, messageId, tombstone, signal })
}

async function assertWhole(
  { client, signal }: Settling,
  fileId: string,
  { whole }: UnevenMessage,
): Promise<void> {
  const { bytes, sha256 } = await client.downloadFile(fileId, { maxBytes: whole.size, signal })
  if (bytes.length === whole.size && sha256 === whole.sha256) return
  throw new BackupError(`${describe(whole)} in chat ${whole.chat_id} is damaged as well`, {
    code: 'INTEGRITY',
  })
}

function describe({ kind, part_no }: UnevenMessage['whole']): string {
  return kind === 'manifest' ? 'the manifest' : `part ${part_no}`
}
