import {
  acquireLease,
  type Backup,
  getBackupById,
  keepLeftover,
  listMessages,
  type MessageRow,
  markSound,
  partKeyOf,
  type UnevenMessage,
  unevenMessages,
} from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import { eraseMessage } from 'telegram-deployment-bot'
import { captionOf } from '#session/caption-of-message.ts'
import { lookForMessages } from '#session/look-for-messages.ts'
import { repairSender } from '#session/repair-sender.ts'
import { reportedMessage } from '#session/report.ts'
import {
  assertMayGoOn,
  type HeldBackup,
  isTheEnd,
  reportPending,
  type VaultSession,
} from '#session/session.ts'
import { assertWhole, nameOf, type PlacedMessage, usableFileId } from '#session/whole-messages.ts'

/**
 * R7: copies to the second chat what it lacks, and to each chat what it has lost and the other still has.
 * Nothing is uploaded: a copy is sent by the file id of the whole message.
 */
export async function repairChats(
  session: VaultSession,
  chats: { chatId: string; replicaChatId: string },
): Promise<void> {
  const uneven = await unevenMessages(session.database, chats)
  let done = 0
  const onCopied = (): void => session.onProgress?.({ stage: 'copy', done: ++done, total: uneven.length })
  for (const [backupId, messages] of Map.groupBy(uneven, message => message.backupId)) {
    const lease = await acquireLease(session.database, { subject: backupId, purpose: 'reconcile' })
    // Another process works on its messages.
    if (lease === null) continue
    try {
      await repairAndProve(session, { backupId, lease }, { messages, onCopied })
    } catch (error) {
      reportPending(session, { backup_id: backupId }, error)
    } finally {
      await lease.release()
    }
  }
}

async function repairAndProve(
  session: VaultSession,
  held: HeldBackup,
  { messages, onCopied }: { messages: readonly UnevenMessage[]; onCopied: () => void },
): Promise<void> {
  const backup = await getBackupById(session.database, held.backupId)
  if (backup?.state !== 'complete') return
  const repaired = await repairBackup(session, held, { backup, messages, onCopied })
  if (backup.damaged_at !== null && repaired.size > 0) await proveSound(session, held, { backup, repaired })
}

/**
 * Copies messages of a complete backup from the chat that has them to the chat that lacks them; doubtful ones
 * are read first. Returns the part numbers that the backup's own chat got. The report names what failed.
 */
export async function repairBackup(
  session: VaultSession,
  held: HeldBackup,
  of: { backup: Backup; messages: readonly UnevenMessage[]; onCopied?: () => void },
): Promise<ReadonlySet<number>> {
  const { backup, messages, onCopied } = of
  const { database, gates } = session
  for (const chatId of new Set(messages.flatMap(({ whole, toChatId }) => [whole.chat_id, toChatId]))) {
    await gates.enter(chatId)
  }
  // A copy whose answer was lost may be there.
  await lookForMessages(session, held)
  const rows = await listMessages(database, backup.id)
  const repaired = new Set<number>()
  const incomplete = new Set<string>()
  for (const message of messages) {
    const { whole, toChatId, wasSent } = message
    assertMayGoOn(session, held.lease)
    const there = rows.find(row => isPlaceOf(row, message))
    if (there?.state === 'sent') continue
    // A manifest promises that all parts are there.
    if (whole.kind === 'manifest' && !wasSent && incomplete.has(toChatId)) continue
    try {
      await copyMessage(session, held, { backup, message, there })
      if (toChatId === backup.chat_id) repaired.add(whole.part_no)
      onCopied?.()
    } catch (error) {
      incomplete.add(toChatId)
      leavePending(session, held, error)
    }
  }
  return repaired
}

/** Reports a message that cannot be repaired now. Throws an error that the others would meet as well. */
function leavePending(session: VaultSession, held: HeldBackup, error: unknown): void {
  if (describeError(error).code === 'UNREACHABLE' || isTheEnd(session, held, error)) throw error
  reportPending(session, { backup_id: held.backupId }, error)
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
  // The message of a first copy was proven when it was sent, and counts unless damage was found since.
  const isDoubtful = wasSent || backup.damaged_at !== null || whole.error !== null
  if (isDoubtful) await assertWhole(session, held, { message: whole, fileId })
  if (there?.state === 'damaged') await removeDamaged(session, held, there)
  const last = whole.part_no === backup.part_count
  const { kind, part_no: number } = whole
  const content = kind === 'manifest' ? { kind } : { kind, number, last }
  const sent = await repairSender(session, held, toChatId).send(
    {
      facts: {
        kind,
        partNumber: number,
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
  const reported = reportedMessage(backup.id, { ...whole, chat_id: toChatId, message_id: sent.messageId })
  if (wasSent) report.mended.push(reported)
  else report.copied.push(reported)
}

/** Removes a damaged message, since its row will name the whole copy. */
async function removeDamaged(
  { database, client, vault, signal }: VaultSession,
  { backupId }: HeldBackup,
  damaged: MessageRow,
): Promise<void> {
  const { message_id: messageId } = damaged
  if (messageId === null) return
  const key = partKeyOf(backupId, damaged)
  const { chatId } = key
  const tombstone = { ...key, ...(await vault.identity()) }
  const { outcome } = await eraseMessage(client, { chatId, messageId, tombstone, signal })
  if (outcome === 'erased') return
  await keepLeftover(database, { chatId, messageId, isTombstone: outcome === 'tombstone' })
}

/**
 * Clears the damage of a backup once all its messages are whole. Those not repaired just now are read for
 * that.
 */
export async function proveSound(
  session: VaultSession,
  held: HeldBackup,
  { backup, repaired }: { backup: Backup; repaired: ReadonlySet<number> },
): Promise<void> {
  const { database } = session
  const own = (await listMessages(database, backup.id)).filter(row => row.chat_id === backup.chat_id)
  if (!own.every(isPlaced)) return
  session.say(`reading the rest of backup ${backup.id}, which was damaged`)
  let isSound = true
  for (const message of own.filter(isPlaced)) {
    if (repaired.has(message.part_no)) continue
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
