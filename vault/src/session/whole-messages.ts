import {
  getBackupById,
  learnFileId,
  type MessageRow,
  markDamaged,
  markPart,
  type PartState,
  partKeyOf,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { fetchDocument, readDocument } from 'telegram-deployment-bot'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/** A row that says that its message is in its chat. */
export type PlacedMessage = MessageRow & { message_id: number }

/**
 * A file id of this bot for a message: the known one, or the one that a new bot reads from the message.
 * Throws `INTEGRITY`, and records it, when the message is gone or holds another document.
 */
export async function usableFileId(
  session: VaultSession,
  held: HeldBackup,
  message: PlacedMessage,
): Promise<string> {
  const { database, client, vault, signal } = session
  if (message.file_id !== null && message.bot_id === client.botId) return message.file_id
  const { chat_id: chatId, message_id: messageId, size, sha256 } = message
  const expected = { size, sha256 }
  const current = await readDocument(client, vault, { chatId, messageId, expected, signal })
  if (current.outcome !== 'found') {
    throw await noteLoss(session, held, message, current.outcome === 'gone' ? 'missing' : 'damaged')
  }
  const { outcome: _, ...renewed } = current
  await learnFileId(database, { partKey: partKeyOf(held.backupId, message), botId: client.botId, ...renewed })
  return renewed.fileId
}

/** Reads a document to the last byte. Throws `INTEGRITY`, and records it, when it is not what was sent. */
export async function assertWhole(
  session: VaultSession,
  held: HeldBackup,
  { message, fileId }: { message: PlacedMessage; fileId: string },
): Promise<void> {
  const { client, signal } = session
  const { size, sha256 } = message
  const name = `${nameOf(message)} in chat ${message.chat_id}`
  const fetched = await fetchDocument(client, { fileId, size, sha256 }, { name, signal })
  // A file that the server refuses today may come tomorrow: that is no damage.
  if (fetched.state === 'refused') throw fetched.failure
  if (fetched.state !== 'right') throw await noteLoss(session, held, message, 'damaged')
}

/** For people, in the middle of a sentence. */
export function nameOf({ kind, part_no }: Pick<MessageRow, 'kind' | 'part_no'>): string {
  return kind === 'manifest' ? 'the manifest' : `part ${part_no}`
}

async function noteLoss(
  { database }: VaultSession,
  { backupId, lease }: HeldBackup,
  message: PlacedMessage,
  state: Extract<PartState, 'missing' | 'damaged'>,
): Promise<BackupError> {
  const key = partKeyOf(backupId, message)
  const { chatId, kind, partNumber } = key
  const error = `${nameOf(message)} in chat ${chatId} is ${state}`
  await markPart(database, { ...key, state, error, leaseToken: lease.token })
  // A loss in the second chat does not damage the backup.
  const backup = await getBackupById(database, backupId)
  if (backup?.chat_id === chatId)
    await markDamaged(database, { backupId, error, partNumber: kind === 'part' ? partNumber : undefined })
  return new BackupError(error, {
    code: 'INTEGRITY',
    hint: 'A second chat can restore messages that this chat has lost. Without a second chat, use another backup of this source.',
  })
}
