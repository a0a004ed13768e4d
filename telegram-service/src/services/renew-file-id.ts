import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { parseCaption } from '#messages/machine-line.ts'
import { lookAtMessage } from '#services/seen-messages.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

export interface RenewFileIdOptions extends CallOptions {
  /** Numeric, as text. */
  chatId: string
  messageId: number
  /** Of the document, as it was sent: bytes, and hex. */
  expected: { size: number; sha256: string }
}

/**
 * A file id of this bot for a message that another bot has sent. Throws `INTEGRITY` when the message is gone or not the
 * expected one any more, and the client's errors.
 */
export async function renewFileId(
  client: TelegramClient,
  vault: VaultLedger,
  options: RenewFileIdOptions,
): Promise<{ fileId: string; fileUniqueId: string }> {
  const { chatId, messageId, expected, ...on } = options
  const seen = await lookAtMessage(client, vault, { chatId, messageId, ...on })
  if (seen === undefined) throw lost(`Message ${messageId} is not in the chat any more`)
  const { caption, document } = seen
  const parsed = parseCaption(caption)
  const isExpected =
    (parsed?.kind === 'part' || parsed?.kind === 'manifest') &&
    parsed.sha256 === expected.sha256 &&
    (document?.size === undefined || document.size === expected.size)
  if (document === undefined || !isExpected) {
    throw lost(`Message ${messageId} in the chat is not the one that was sent`)
  }
  return { fileId: document.fileId, fileUniqueId: document.fileUniqueId }
}

function lost(message: string): TelegramError {
  return new TelegramError(message, 'INTEGRITY', {
    hint: 'Another backup of this source may be whole: telegram-backup list',
  })
}
