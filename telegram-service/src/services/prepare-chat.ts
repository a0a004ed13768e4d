import type { Encryption, SigningKey } from '@telegram-backup/archive'
import type { CallWait } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { parseCaption } from '#messages/machine-line.ts'
import { checkChatAccess } from '#services/chat-access.ts'
import { assertOwnEdition, guardChat } from '#services/chat-guard.ts'
import { ensureIndex, refreshIndex } from '#services/chat-index.ts'
import type { IndexOptions } from '#services/index-message.ts'
import { followMovedChat } from '#services/moved-chat.ts'
import { lookAtMessage } from '#services/seen-messages.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'

export interface PreparedChat {
  /** Numeric, as text. */
  chatId: string
  /** Undefined without a catalog. */
  indexMessageId: number | undefined
}

/** S1 to S3: checks the chat and ensures its index. Throws `CONFIGURATION` before anything is sent. */
export async function prepareChat(
  client: TelegramClient,
  options: {
    /** Numeric or `@name`. */
    chat: string
    vault: VaultLedger | undefined
    encryption: Encryption
    signingKey: SigningKey
    signal: AbortSignal
    onWait: (wait: CallWait) => void
  },
): Promise<PreparedChat> {
  const { chat, vault, encryption, signingKey, ...on } = options
  if (!vault) return { chatId: (await checkChatAccess(client, chat, on)).chatId, indexMessageId: undefined }
  const access = await checkChatAccess(client, await followMovedChat(client, vault, chat, on), on)
  const pinned = await guardChat(client, vault, access, on)
  const { chatId } = access
  const index = { chatId, encryption, signingKey, ...on }
  if (pinned.kind !== 'index') await guardHiddenIndex(client, vault, index)
  const { messageId } = await ensureIndex(client, vault, index)
  return { chatId, indexMessageId: messageId }
}

/**
 * P5: checks that the chat still belongs to this catalog, after a message was sent. Costs one call, and a
 * message only where the index is not the pinned one. Throws `CONFIGURATION` otherwise, and the client's
 * errors.
 */
export async function assertOwnChat(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<void> {
  const { chatId, signal, onWait } = options
  const { pinned } = await client.getChat(chatId, { signal, onWait })
  const shown = await guardChat(client, vault, { chatId, pinned }, { signal, onWait })
  if (shown.kind !== 'index') await guardHiddenIndex(client, vault, options)
}

/**
 * S2 for a hidden or unpinned index: the message itself says whose it is. If it is gone, a new one is made
 * before anything else is sent, since a catalog that took the chat over has removed it.
 */
async function guardHiddenIndex(
  client: TelegramClient,
  vault: VaultLedger,
  options: IndexOptions,
): Promise<void> {
  const { chatId } = options
  const { index } = await vault.knownChat(chatId)
  if (index === undefined) return
  const seen = await lookAtMessage(client, vault, { ...options, messageId: index.messageId })
  const caption = parseCaption(seen?.caption)
  if (caption?.kind !== 'index') {
    await refreshIndex(client, vault, options)
    return
  }
  const { messageId } = index
  await vault.withIndexLock(chatId, () =>
    assertOwnEdition(vault, chatId, { kind: 'index', messageId, caption }),
  )
}
