import {
  readSeenMessage,
  readSentDocument,
  type SeenMessage,
  type SentDocument,
} from '#bot-api/bot-api-types.ts'
import {
  type BotConnection,
  jsonCall,
  type SendOptions,
  type UploadOptions,
} from '#bot-api/bot-connection.ts'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { multipartBody } from '#bot-api/multipart-body.ts'
import { isMessageGone, isNoSuchFile, isNotEditable } from '#bot-api/refusals.ts'

export interface SendDocumentRequest {
  /** Numeric, or `@name`. */
  chatId: string
  fileName: string
  /** At most 49 MiB at the public server, else 413. */
  bytes: Buffer
  /** At most 1024 code points. */
  caption: string
}

/**
 * Makes, changes, reads and removes messages. Methods that make one (`send…`, `forwardMessage`) keep the
 * chat's pace, and never repeat a call that may have arrived: after `ANSWER_LOST` the message may exist.
 * After a cancel they still resolve if it exists.
 */
export interface MessageMethods {
  /** After a flood wait, `onBytesOut` counts from the beginning again. */
  sendDocument(request: SendDocumentRequest, options?: UploadOptions): Promise<SentDocument>
  /** Sends a stored document, by a file id of this bot. */
  sendStoredDocument(
    request: { chatId: string; fileId: string; caption: string },
    options?: SendOptions,
  ): Promise<SentDocument>
  /** At most 4096 UTF-16 units, no markup, no previews. Silent unless `isLoud`. */
  sendText(chatId: string, text: string, options?: CallOptions & { isLoud?: boolean }): Promise<SeenMessage>
  /** Silent. The copy shows all of the message; a bot has no other way to read one. */
  forwardMessage(
    chatId: string,
    fromChatId: string,
    messageId: number,
    options?: CallOptions,
  ): Promise<SeenMessage>
  /** Replaces a document in place; id, time and pin stay. Repeatable. */
  editDocument(
    request: SendDocumentRequest & { messageId: number },
    options?: UploadOptions,
  ): Promise<SentDocument>
  /** A message that is gone counts as deleted. */
  deleteMessage(chatId: string, messageId: number, options?: CallOptions): Promise<void>
  /**
   * Asks by an edit that cannot succeed, and leaves no trace: `ours` is a message that this bot may edit (in
   * a channel, with the right to edit, also somebody else's), `there` any other, such as forwarded ones.
   */
  messageExists(chatId: string, messageId: number, options?: CallOptions): Promise<'ours' | 'there' | 'gone'>
}

/** Neither a file id nor an address. */
const NO_FILE = JSON.stringify({ type: 'document', media: 'none' })

export function messageMethods(bot: BotConnection): MessageMethods {
  return {
    sendDocument: ({ chatId, caption, fileName, bytes }, options = {}) => {
      const form = multipartBody(
        {
          chat_id: chatId,
          caption,
          // Otherwise Telegram may take it for a video or a GIF, and rewrite it.
          disable_content_type_detection: 'true',
          disable_notification: 'true',
        },
        { field: 'document', name: fileName, bytes },
      )
      return bot.send(chatId, { method: 'sendDocument', ...form, read: readSentDocument }, options)
    },

    sendStoredDocument: ({ chatId, fileId, caption }, options = {}) => {
      const parameters = { chat_id: chatId, document: fileId, caption, disable_notification: true }
      return bot.send(chatId, jsonCall('sendDocument', parameters, readSentDocument), options)
    },

    sendText: (chatId, text, { isLoud = false, ...options } = {}) => {
      const parameters = {
        chat_id: chatId,
        text,
        link_preview_options: { is_disabled: true },
        disable_notification: !isLoud,
      }
      return bot.send(chatId, jsonCall('sendMessage', parameters, readSeenMessage), options)
    },

    forwardMessage: (chatId, fromChatId, messageId, options = {}) => {
      const parameters = {
        chat_id: chatId,
        from_chat_id: fromChatId,
        message_id: messageId,
        disable_notification: true,
      }
      return bot.send(chatId, jsonCall('forwardMessage', parameters, readSeenMessage), options)
    },

    editDocument: ({ chatId, messageId, caption, fileName, bytes }, options = {}) => {
      const media = {
        type: 'document',
        media: 'attach://document',
        caption,
        disable_content_type_detection: true,
      }
      const form = multipartBody(
        { chat_id: chatId, message_id: String(messageId), media: JSON.stringify(media) },
        { field: 'document', name: fileName, bytes },
      )
      return bot.repeatableUpload({ method: 'editMessageMedia', ...form, read: readSentDocument }, options)
    },

    deleteMessage: async (chatId, messageId, options = {}) => {
      const parameters = { chat_id: chatId, message_id: messageId }
      await bot
        .repeatable(
          jsonCall('deleteMessage', parameters, () => {}),
          options,
        )
        .catch((error: unknown) => {
          if (!isMessageGone(error)) throw error
        })
    },

    messageExists: async (chatId, messageId, options = {}) => {
      // The server checks the message first, then whether it may be edited, then the file.
      const parameters = { chat_id: chatId, message_id: messageId, media: NO_FILE }
      try {
        await bot.repeatable(
          jsonCall('editMessageMedia', parameters, () => {}),
          options,
        )
        return 'ours'
      } catch (error) {
        if (isNoSuchFile(error)) return 'ours'
        if (isNotEditable(error)) return 'there'
        if (isMessageGone(error)) return 'gone'
        throw error
      }
    },
  }
}
