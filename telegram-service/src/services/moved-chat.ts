import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** Of a basic group: the ids of supergroups and channels begin with -100 and are longer. */
const GROUP_ID = /^-\d{1,12}$/
/** A group moves once; more can only be a mistake in what was written down. */
const MOST_MOVES = 8

/**
 * The id under which a chat goes on. A basic group that has become a supergroup is asked for its new id once, which is
 * then written down. Fails only when the ledger does, or was cancelled: whatever else stands against the chat shows when
 * it is used.
 */
export async function followMovedChat(
  client: TelegramClient,
  vault: VaultLedger,
  chat: string,
  options: CallOptions = {},
): Promise<string> {
  let chatId = chat
  for (let moves = 0; moves < MOST_MOVES && GROUP_ID.test(chatId); moves++) {
    const { movedTo } = await vault.knownChat(chatId)
    const target = movedTo ?? (await askWhereTo(client, chatId, options))
    if (target === undefined) return chatId
    if (movedTo === undefined) await vault.chatMoved({ from: chatId, to: target })
    chatId = target
  }
  return chatId
}

/** Only what would make a message is refused with the new id; getChat of the old one still answers. */
async function askWhereTo(
  client: TelegramClient,
  chatId: string,
  options: CallOptions,
): Promise<string | undefined> {
  try {
    await client.announceUpload(chatId, options)
  } catch (error) {
    if (!(error instanceof TelegramError) || error.code === 'CANCELLED') throw error
    return error.movedTo
  }
  return undefined
}
