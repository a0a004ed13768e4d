import type { CallOptions } from '#bot-api/call-policy.ts'
import { isNotDeletable } from '#bot-api/refusals.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { type FoundMessage, findLostMessages } from '#services/lost-messages.ts'
import { mayHaveMadeMessage } from '#services/seen-messages.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

export interface EvidenceDocument extends CallOptions {
  evidenceId: string
  /** Numeric, as text. */
  chatId: string
  fileName: string
  bytes: Buffer
  /** Of the bytes, hex. */
  sha256: string
  caption: string
}

/**
 * V2 to V4: sends the document of a record. False when another process sends it, or has sent it. After a lost
 * answer the message is looked for once; if it is not found, the call stays open and the error is thrown: the
 * record is sent again only when it was looked for long enough.
 */
export async function sendEvidence(
  client: TelegramClient,
  vault: VaultLedger,
  document: EvidenceDocument,
): Promise<boolean> {
  const { evidenceId, chatId, fileName, bytes, sha256, caption, signal, onWait } = document
  const on = { signal, onWait }
  const { botId } = client
  const place = { evidenceId, chatId, botId, sizeBytes: bytes.length, sha256 }
  const opened = await vault.beginEvidence({ ...place, fileName })
  if (opened === null) return false
  const { sendId } = opened
  try {
    const sent = await client.sendDocument({ chatId, fileName, bytes, caption }, on)
    const { messageId, fileId, fileUniqueId, sentAt } = sent
    if (sent.sizeBytes !== bytes.length || String(sent.chatId) !== chatId) {
      const unprovenMessage = { chatId: sent.chatId, messageId }
      throw new TelegramError('Telegram did not store the evidence as it was sent', {
        code: 'UNPROVEN',
        unprovenMessage,
      })
    }
    await confirmOrRemove(client, vault, { ...place, sendId, messageId, fileId, fileUniqueId, sentAt })
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error
    if (!mayHaveMadeMessage(error)) {
      const made = error.unprovenMessage
      if (made) await client.deleteMessage(String(made.chatId), made.messageId, on)
      await vault.closeSend(sendId)
      throw error
    }
    const of = { chatId, backupId: null, sendIds: new Set([sendId]), ...on }
    const { found } = await findLostMessages(client, vault, of)
    const [message] = found.filter(({ open }) => open.id === sendId)
    if (message === undefined) throw error
    await adoptEvidence(client, vault, message)
  }
  return true
}

/** Records a message that was found; one that is one too many is removed. */
export async function adoptEvidence(
  client: TelegramClient,
  vault: VaultLedger,
  { open, messageId, fileId, fileUniqueId, size: sizeBytes, sha256, sentAt }: FoundMessage,
): Promise<void> {
  const { id: sendId, evidenceId, chatId } = open
  if (evidenceId === null) return
  const place = { evidenceId, sendId, chatId, messageId, botId: client.botId }
  await confirmOrRemove(client, vault, { ...place, fileId, fileUniqueId, sizeBytes, sha256, sentAt })
}

async function confirmOrRemove(
  client: TelegramClient,
  vault: VaultLedger,
  message: Parameters<VaultLedger['confirmEvidence']>[0],
): Promise<void> {
  if (await vault.confirmEvidence(message)) return
  const { chatId, messageId, sendId } = message
  await client.deleteMessage(chatId, messageId).catch(async (error: unknown) => {
    if (!isNotDeletable(error)) throw error
    await vault.keepLeftover({ chatId, messageId })
  })
  await vault.closeSend(sendId)
}
