import {
  type BotChat,
  type BotUser,
  type ChatMember,
  readChat,
  readChatMember,
  readSeenChats,
  readUser,
  type SeenChats,
} from '#bot-api/bot-api-types.ts'
import { type BotConnection, jsonCall } from '#bot-api/bot-connection.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'

export interface ChatMethods {
  getMe(options?: CallOptions): Promise<BotUser>
  getChat(chatId: string, options?: CallOptions): Promise<BotChat>
  /**
   * Waits up to `waitSeconds` (50 at most) for messages and posts of people. An offset confirms all updates
   * before it: the server forgets them. `REFUSED` (409) while a webhook is set or another program asks.
   */
  seeChats(
    of: { offset?: number | undefined; waitSeconds: number },
    options?: CallOptions,
  ): Promise<SeenChats>
  getChatMember(chatId: string, userId: string, options?: CallOptions): Promise<ChatMember>
  /** Pins silently. The chat shows the pinned message that was sent last, not the one pinned last. */
  pinMessage(chatId: string, messageId: number, options?: CallOptions): Promise<void>
  unpinMessage(chatId: string, messageId: number, options?: CallOptions): Promise<void>
  /** Makes no message, but is refused where a message would be. */
  announceUpload(chatId: string, options?: CallOptions): Promise<void>
}

export function chatMethods(bot: BotConnection): ChatMethods {
  const done = (): void => {}
  return {
    getMe: (options = {}) => bot.repeatable(jsonCall('getMe', {}, readUser), options),
    getChat: (chatId, options = {}) =>
      bot.repeatable(jsonCall('getChat', { chat_id: chatId }, readChat), options),
    seeChats: ({ offset, waitSeconds }, options = {}) =>
      bot.repeatable(
        // An empty list means all kinds of updates; without it, what another program wanted last counts.
        jsonCall(
          'getUpdates',
          { offset, limit: 20, timeout: waitSeconds, allowed_updates: [] },
          readSeenChats,
        ),
        options,
      ),
    getChatMember: (chatId, userId, options = {}) =>
      bot.repeatable(
        jsonCall('getChatMember', { chat_id: chatId, user_id: Number(userId) }, readChatMember),
        options,
      ),
    pinMessage: (chatId, messageId, options = {}) =>
      bot.repeatable(
        jsonCall(
          'pinChatMessage',
          { chat_id: chatId, message_id: messageId, disable_notification: true },
          done,
        ),
        options,
      ),
    unpinMessage: (chatId, messageId, options = {}) =>
      bot.repeatable(jsonCall('unpinChatMessage', { chat_id: chatId, message_id: messageId }, done), options),
    announceUpload: (chatId, options = {}) =>
      bot.repeatable(
        jsonCall('sendChatAction', { chat_id: chatId, action: 'upload_document' }, done),
        options,
      ),
  }
}
