import { getChat, getChatMember, getMe } from '#methods/chats.ts'
import { deleteMessage, deleteMessages } from '#methods/deleting.ts'
import {
  editMessageCaption,
  editMessageMedia,
  editMessageReplyMarkup,
  editMessageText,
} from '#methods/editing.ts'
import { getFile } from '#methods/files.ts'
import { copyMessage, copyMessages, forwardMessage, forwardMessages } from '#methods/forwarding.ts'
import type { Method } from '#methods/method.ts'
import { pinChatMessage, unpinAllChatMessages, unpinChatMessage } from '#methods/pinning.ts'
import { sendChatAction, sendDocument, sendMessage } from '#methods/sending.ts'
import { deleteWebhook, getUpdates } from '#methods/updates.ts'

const METHODS: Readonly<Record<string, Method>> = {
  getMe,
  getChat,
  getChatMember,
  getUpdates,
  deleteWebhook,
  sendMessage,
  sendDocument,
  sendChatAction,
  getFile,
  editMessageText,
  editMessageCaption,
  editMessageMedia,
  editMessageReplyMarkup,
  forwardMessage,
  forwardMessages,
  copyMessage,
  copyMessages,
  pinChatMessage,
  unpinChatMessage,
  unpinAllChatMessages,
  deleteMessage,
  deleteMessages,
}

const BY_LOWER_CASE = new Map(Object.entries(METHODS).map(([name, method]) => [name.toLowerCase(), method]))

/** A method by its name in any case of letters; undefined for one that is not emulated. */
export function methodNamed(name: string): Method | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase())
}
