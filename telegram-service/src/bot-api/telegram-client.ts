import { readFilePath } from '#bot-api/bot-api-types.ts'
import { type ApiCall, BotConnection, jsonCall } from '#bot-api/bot-connection.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { type ChatMethods, chatMethods } from '#bot-api/chat-methods.ts'
import type { EarlierMessage } from '#bot-api/chat-pace.ts'
import type { TelegramClientOptions } from '#bot-api/client-options.ts'
import type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
import { type MessageMethods, messageMethods } from '#bot-api/message-methods.ts'

/** The Bot API as this project uses it. Every failure is a `TelegramError` without the token. */
export interface TelegramClient extends ChatMethods, MessageMethods {
  /** The number before the colon of the token. */
  readonly botId: string
  /** Whether the server is Telegram's own, with its limits. */
  readonly usesPublicServer: boolean
  readonly messagesPerMinute: number
  /**
   * Counts messages that others sent to the chat in the last minute: the pace is the chat's. `run` is one that begins here; those of
   * runs that began here before are left out, since they were counted as they were sent.
   */
  countEarlierMessages(chatId: string, of: { run: string; earlier: readonly EarlierMessage[] }): void
  /**
   * The same bot, whose uploads keep to a bound of their own together, from 1024 bytes a second. The pace of each chat stays one
   * for both.
   */
  withUploadLimit(bytesPerSecond: number): TelegramClient
  /**
   * The path of a file, for `downloadFile`; it leads there for about an hour. The server itself may have to fetch the file
   * before it answers. `REFUSED` when it would not give it back. With `once`, whatever fails is for the caller to repeat.
   */
  locateFile(fileId: string, options?: CallOptions & { once?: boolean }): Promise<string>
  /** A file; more than `maxBytes` are `UNPROVEN`. A foreign or dead file id is `REFUSED`. */
  downloadFile(fileId: string, options: DownloadOptions): Promise<DownloadedFile>
}

/** getFile's bound at the public server: a bot may upload 50 MB, but fetches back at most this. */
export const PUBLIC_FETCH_LIMIT_BYTES: number = 20 * 1024 * 1024

/** A client for one bot. Opens no connection yet. Throws `CONFIGURATION` when the token or the API root has a wrong shape. */
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
        // Whatever goes wrong with it, another path is worth the next try.
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
