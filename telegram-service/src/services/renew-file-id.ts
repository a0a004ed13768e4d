import { hint, run } from '@telegram-backup/errors'
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
  /** The chat's new id, if it has moved: the copy is made there. */
  movedTo?: string | undefined
  /** Of the document as sent; hex. */
  expected: { size: number; sha256: string }
}

/** The document that was sent, by a file id of this bot; nothing; or something else. */
export type CurrentDocument =
  | { outcome: 'found'; fileId: string; fileUniqueId: string }
  | { outcome: 'gone' | 'changed' }

/** Reads the message by a copy. Throws the client's errors. */
export async function readDocument(
  client: TelegramClient,
  vault: VaultLedger,
  options: RenewFileIdOptions,
): Promise<CurrentDocument> {
  const { chatId, messageId, movedTo, expected, ...on } = options
  const where = movedTo === undefined ? { chatId } : { chatId: movedTo, fromChatId: chatId }
  const seen = await lookAtMessage(client, vault, { ...where, messageId, ...on })
  if (seen === undefined) return { outcome: 'gone' }
  const { caption, document } = seen
  const parsed = parseCaption(caption)
  const isExpected =
    (parsed?.kind === 'part' || parsed?.kind === 'manifest' || parsed?.kind === 'pack') &&
    parsed.sha256 === expected.sha256 &&
    (document?.sizeBytes === undefined || document.sizeBytes === expected.size)
  if (document === undefined || !isExpected) return { outcome: 'changed' }
  return { outcome: 'found', fileId: document.fileId, fileUniqueId: document.fileUniqueId }
}

/** Throws `INTEGRITY` when the message is gone or changed. */
export async function renewFileId(
  client: TelegramClient,
  vault: VaultLedger,
  options: RenewFileIdOptions,
): Promise<{ fileId: string; fileUniqueId: string }> {
  const { outcome, ...found } = await readDocument(client, vault, options)
  if ('fileId' in found) return found
  const what = outcome === 'gone' ? 'is not in the chat any more' : 'in the chat is not the one that was sent'
  throw new TelegramError(`Message ${options.messageId} ${what}`, {
    code: 'INTEGRITY',
    hint: hint`Another backup of this source may be whole: ${run('list')}`,
  })
}
