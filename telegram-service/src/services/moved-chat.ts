import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import type { VaultLedger } from '#services/vault-ledger.ts'
import { TelegramError } from '#telegram-error.ts'

/** Ids of basic groups; those of supergroups and channels begin with -100 and are longer. */
const GROUP_ID = /^-\d{1,12}$/
/** A group moves once; more moves are a mistake in the record. */
const MOST_MOVES = 8

/**
 * The current id of a chat. A basic group that became a supergroup is asked for its new id once, which is
 * recorded. Throws only the ledger's errors and `CANCELLED`: other problems show when the chat is used.
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

/** Only calls that make a message are refused with the new id; getChat still answers. */
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
