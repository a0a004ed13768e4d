import { encodeFileId, fileUniqueId } from '#files/file-ids.ts'
import type { Bot, Chat, Message } from '#world/records.ts'
import type { World } from '#world/world.ts'

/** JSON as the Bot API answers it. */
export type Json = Record<string, unknown>

/** A bot as a User. */
export function showBot(bot: Bot): Json {
  return { id: bot.id, is_bot: true, first_name: bot.firstName, username: bot.username }
}

/** A chat as a Chat: a private one has a person's name, the others a title. */
export function showChat(chat: Chat): Json {
  if (chat.type === 'private') return { id: chat.id, first_name: chat.title, type: chat.type }
  return { id: chat.id, title: chat.title, type: chat.type }
}

/** A bot or human as a User. */
export function showUser(world: World, userId: number): Json {
  const bot = world.bots.get(userId)
  return bot ? showBot(bot) : { id: userId, is_bot: false, first_name: `Human ${userId}` }
}

/**
 * A message as this bot sees it: file_ids are made for the bot.
 * `nested` leaves out what a Message inside a Message does not carry.
 */
export function showMessage(world: World, bot: Bot, message: Message, nested = false): Json {
  const chat = world.chats.get(message.chatId)
  if (chat === undefined) return {}
  return {
    message_id: message.id,
    ...(chat.type === 'channel'
      ? { sender_chat: showChat(chat) }
      : { from: showUser(world, message.authorId) }),
    chat: showChat(chat),
    date: message.date,
    ...(message.editDate === undefined ? {} : { edit_date: message.editDate }),
    ...(message.protected ? { has_protected_content: true } : {}),
    ...showForward(world, message),
    ...(nested ? {} : showReply(world, bot, message)),
    ...(message.text === undefined ? {} : { text: message.text }),
    ...(message.text !== undefined && message.entities ? { entities: message.entities } : {}),
    ...showDocument(world, bot, message),
    ...(message.caption === undefined ? {} : { caption: message.caption }),
    ...(message.caption !== undefined && message.entities ? { caption_entities: message.entities } : {}),
    ...(message.replyMarkup && 'inline_keyboard' in message.replyMarkup
      ? { reply_markup: message.replyMarkup }
      : {}),
    ...showService(world, bot, message),
  }
}

/** The file_id by which a bot gets at the document of a message. */
export function fileIdOf(world: World, botId: number, message: Message): string | undefined {
  if (message.documentNumber === undefined) return undefined
  const reference = { botId, documentNumber: message.documentNumber, nonce: message.id }
  return encodeFileId(world.fileIdKey, reference)
}

function showDocument(world: World, bot: Bot, message: Message): Json {
  const document = world.documents.get(message.documentNumber ?? 0)
  if (document === undefined) return {}
  return {
    document: {
      file_name: document.fileName,
      mime_type: document.mimeType,
      file_id: fileIdOf(world, bot.id, message),
      file_unique_id: fileUniqueId(world.fileIdKey, document.number),
      file_size: document.sizeBytes,
    },
  }
}

function showForward(world: World, { forward }: Message): Json {
  const origin = forward && world.chats.get(forward.chatId)
  if (forward === undefined || origin === undefined) return {}
  if (origin.type === 'channel') {
    const chat = showChat(origin)
    return {
      forward_origin: { type: 'channel', chat, message_id: forward.messageId, date: forward.date },
      forward_from_chat: chat,
      forward_from_message_id: forward.messageId,
      forward_date: forward.date,
    }
  }
  const user = showUser(world, forward.authorId)
  return {
    forward_origin: { type: 'user', sender_user: user, date: forward.date },
    forward_from: user,
    forward_date: forward.date,
  }
}

function showReply(world: World, bot: Bot, message: Message): Json {
  const replied = world.message(message.box, message.chatId, message.replyToId ?? 0)
  return replied ? { reply_to_message: showMessage(world, bot, replied, true) } : {}
}

function showService(world: World, bot: Bot, { service, box, chatId }: Message): Json {
  if (service === undefined) return {}
  if (service.type === 'pinned') {
    const pinned = world.message(box, chatId, service.messageId)
    return pinned ? { pinned_message: showMessage(world, bot, pinned, true) } : {}
  }
  if (service.type === 'migrated-to') return { migrate_to_chat_id: service.chatId }
  if (service.type === 'migrated-from') return { migrate_from_chat_id: service.chatId }
  return { [`${world.chats.get(chatId)?.type}_chat_created`]: true }
}
