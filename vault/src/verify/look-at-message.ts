import { learnFileId, type MessageRow, partKeyOf } from '@telegram-backup/database'
import { lookAtMessage, parseCaption, type SeenMessage } from 'telegram-deployment-bot'
import { assertMayGoOn, type HeldBackup, type VaultSession } from '#session/session.ts'
import { nameOf, type PlacedMessage } from '#session/whole-messages.ts'
import type { Finding, FindingKind } from '#verify/verification-report.ts'

/** How the messages of a chat are addressed. */
export interface LookedAtChat {
  /** As the rows name it. */
  chatId: string
  /** The new id of a group that has become a supergroup. */
  movedTo: string | undefined
}

/**
 * there: the message holds the document that was sent · doubtful: it may; only reading the document decides.
 */
export type Look =
  | { outcome: 'there' | 'doubtful'; fileId: string; fileUniqueId: string }
  | { outcome: 'wrong'; finding: Finding }

/**
 * Checks only that a message exists, by an edit that cannot succeed: one call, which leaves no trace. Throws
 * the client's errors.
 */
export async function checkExistence(
  session: VaultSession,
  held: HeldBackup,
  message: PlacedMessage,
): Promise<Finding | undefined> {
  const { client, signal, onWait } = session
  assertMayGoOn(session, held.lease)
  const { chat_id: chatId, message_id: messageId } = message
  const answer = await client.messageExists(chatId, messageId, { signal, onWait })
  return answer === 'gone' ? findingOf(message, 'missing', 'is not in the chat any more') : undefined
}

/**
 * Reads a message by a copy that is deleted at once: two calls. The file id alone proves nothing, since a
 * file outlives its message. Throws the client's errors.
 */
export async function lookAt(
  session: VaultSession,
  held: HeldBackup,
  { message, chat }: { message: PlacedMessage; chat: LookedAtChat },
): Promise<Look> {
  const { client, vault, signal, onWait } = session
  assertMayGoOn(session, held.lease)
  const { chatId, movedTo } = chat
  const { backupId } = held
  const where = movedTo === undefined ? { chatId } : { chatId: movedTo, fromChatId: chatId }
  const of = { ...where, messageId: message.message_id, backupId, signal, onWait }
  return judge(message, await lookAtMessage(client, vault, of))
}

function judge(message: MessageRow, seen: SeenMessage | undefined): Look {
  const wrong = (finding: FindingKind, words: string): Look => ({
    outcome: 'wrong',
    finding: findingOf(message, finding, words),
  })
  if (seen === undefined) return wrong('missing', 'is not in the chat any more')
  const { document, caption } = seen
  if (parseCaption(caption)?.kind === 'tombstone') return wrong('tombstone', 'was replaced by a tombstone')
  if (document === undefined) return wrong('replaced', 'holds no document any more')
  if (document.sizeBytes !== undefined && document.sizeBytes !== message.size) {
    return wrong('replaced', `holds a document of ${document.sizeBytes} bytes; ${message.size} were sent`)
  }
  const { fileId, fileUniqueId } = document
  // A caption that people have edited does not matter.
  const isKnown = message.state === 'sent' && message.file_unique_id === fileUniqueId
  return { outcome: isKnown ? 'there' : 'doubtful', fileId, fileUniqueId }
}

/** Records this bot's file id of the document. */
export async function learnDocument(
  { database, client }: VaultSession,
  { backupId }: HeldBackup,
  message: MessageRow,
  { fileId, fileUniqueId }: { fileId: string; fileUniqueId: string },
): Promise<void> {
  const { botId } = client
  if (message.bot_id === botId && message.file_unique_id === fileUniqueId) return
  await learnFileId(database, { partKey: partKeyOf(backupId, message), botId, fileId, fileUniqueId })
}

/** `words` follow the name of the message. */
export function findingOf(message: MessageRow, finding: FindingKind, words: string): Finding {
  const { kind, part_no, chat_id, message_id } = message
  const reason = `${nameOf(message)} in chat ${chat_id} ${words}`
  return { kind, part_no, chat_id, message_id, finding, reason }
}
