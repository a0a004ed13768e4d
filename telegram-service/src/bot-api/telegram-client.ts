import { readFilePath } from '#bot-api/bot-api-types.ts'
import { type ApiCall, BotConnection, jsonCall } from '#bot-api/bot-connection.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { type ChatMethods, chatMethods } from '#bot-api/chat-methods.ts'
import type { EarlierMessage } from '#bot-api/chat-pace.ts'
import type { TelegramClientOptions } from '#bot-api/client-options.ts'
import type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
import { type MessageMethods, messageMethods } from '#bot-api/message-methods.ts'
import type { Turn } from '#bot-api/turn.ts'

/** The Bot API as this project uses it. Every failure is a `TelegramError` without the token. */
export interface TelegramClient extends ChatMethods, MessageMethods {
  /** The number before the colon of the token. */
  readonly botId: string
  /** Whether the server is Telegram's, with its limits. */
  readonly usesPublicServer: boolean
  readonly messagesPerMinute: number
  /** Counts messages that others sent in the last minute: see `ChatPace.countEarlier`. */
  countEarlierMessages(chatId: string, of: { run: string; earlier: readonly EarlierMessage[] }): void
  /**
   * Waits until a message may be sent to the chat, in order of the calls of its flow. The turn is for a
   * following `sendDocument` or `sendStoredDocument`; an unused one must be released. Throws `CANCELLED`.
   */
  takeTurn(chatId: string, options: CallOptions & { flow?: string | undefined }): Promise<Turn>
  /** Whether a message could go to the chat at once, and none of this process waits for that. */
  isIdle(chatId: string): boolean
  /** The same bot and paces, with its own limit on uploads, from 1024 bytes a second. */
  withUploadLimit(bytesPerSecond: number): TelegramClient
  /**
   * The path of a file for `downloadFile`, valid for about an hour. The server may have to fetch the file
   * first. `REFUSED` when it does not give it. With `once`, failures are not repeated.
   */
  locateFile(fileId: string, options?: CallOptions & { once?: boolean }): Promise<string>
  /** More than `maxBytes` are `UNPROVEN`. A foreign or dead file id is `REFUSED`. */
  downloadFile(fileId: string, options: DownloadOptions): Promise<DownloadedFile>
}

/** getFile's limit at the public server: a bot may upload 50 MB, but fetch back only this. */
export const PUBLIC_FETCH_LIMIT_BYTES: number = 20 * 1024 * 1024

/** Opens no connection yet. Throws `CONFIGURATION` for a malformed token or API root. */
export function createTelegramClient(options: TelegramClientOptions): TelegramClient {
  return clientOf(new BotConnection(options))
}

function clientOf(bot: BotConnection): TelegramClient {
  const { botId, usesPublicServer, messagesPerMinute } = bot
  return {
    botId,
    usesPublicServer,
    messagesPerMinute,
    ...chatMethods(bot),
    ...messageMethods(bot),
    withUploadLimit: bytesPerSecond => clientOf(bot.withUploadLimit(bytesPerSecond)),
    takeTurn: (chatId, on) => bot.takeTurn(chatId, on),
    isIdle: chatId => bot.paceOf(chatId).isIdle(),
    countEarlierMessages: (chatId, of) => bot.paceOf(chatId).countEarlier(of),

    locateFile: (fileId, callOptions = {}) => {
      const { once, ...on } = callOptions
      return once
        ? bot.once(getFile(fileId), { ...on, freshConnection: false })
        : bot.repeatable(getFile(fileId), on)
    },

    downloadFile: (fileId, on) => {
      let { located } = on
      const locate = (again: boolean): Promise<string> => {
        const path = located ?? bot.once(getFile(fileId), { ...on, freshConnection: again })
        // After a failure, the next try asks for a new path.
        located = undefined
        return path
      }
      return bot.download(locate, on)
    },
  }
}

function getFile(fileId: string): ApiCall<string> {
  return jsonCall('getFile', { file_id: fileId }, readFilePath)
}
