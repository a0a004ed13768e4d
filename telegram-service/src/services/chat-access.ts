import type { ChatMember, SeenMessage } from '#bot-api/bot-api-types.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import type { TelegramClient } from '#bot-api/telegram-client.ts'
import { TelegramError } from '#telegram-error.ts'

export interface ChatAccess {
  /** Numeric, as text, also for a chat named by `@name`. */
  chatId: string
  chatType: string
  chatTitle: string
  /** The name in t.me/NAME of a public chat, which everyone can read. */
  publicName?: string | undefined
  botUsername: string
  /** Rights that other work needs and the bot lacks, in words. Sending works without them. */
  missingRights: string[]
  /** The pinned message that was sent last. */
  pinned?: SeenMessage | undefined
}

/** Checks the token, the chat and the right to send. Throws `CONFIGURATION` with a hint. */
export async function checkChatAccess(
  client: TelegramClient,
  chatId: string,
  options: CallOptions = {},
): Promise<ChatAccess> {
  const [bot, chat, member] = await allOrFirstInOrder([
    client.getMe(options),
    client.getChat(chatId, options),
    client.getChatMember(chatId, client.botId, options),
  ] as const)
  if (!maySend(chat.type, member)) {
    throw new TelegramError('The bot may not send documents to the chat', {
      code: 'CONFIGURATION',
      hint:
        chat.type === 'channel'
          ? 'Make the bot an administrator of the channel with the right to post messages.'
          : 'Add the bot to the chat and let it send documents; best as an administrator.',
    })
  }
  return {
    chatId: String(chat.id),
    chatType: chat.type,
    chatTitle: chat.title,
    publicName: chat.publicName,
    botUsername: bot.username,
    missingRights: missingRights(chat.type, member),
    pinned: chat.pinned,
  }
}

function maySend(chatType: string, member: ChatMember): boolean {
  if (member.status === 'creator') return true
  if (chatType === 'channel') return member.status === 'administrator' && member.canPostMessages
  if (member.status === 'left' || member.status === 'kicked') return false
  return member.status !== 'restricted' || member.canSendDocuments
}

/** Erasing needs delete; tombstones and the index need edit, which in a channel includes pinning. */
function missingRights(chatType: string, member: ChatMember): string[] {
  if (chatType === 'private' || member.status === 'creator') return []
  if (chatType === 'channel') {
    return [
      ...(member.canEditMessages ? [] : ['edit messages of others (it includes pinning)']),
      ...(member.canDeleteMessages ? [] : ['delete messages']),
    ]
  }
  return [
    ...(member.canPinMessages ? [] : ['pin messages']),
    ...(member.canDeleteMessages ? [] : ['delete messages']),
  ]
}

/** All results, or the first error in order: a wrong token before a chat that it cannot see. */
async function allOrFirstInOrder<T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const settled = await Promise.allSettled(promises)
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason
  return settled.map(outcome => (outcome as PromiseFulfilledResult<unknown>).value) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}
