import { getChat, getChatMember, getMe } from '#methods/chats.ts'
import { deleteMessage } from '#methods/deleting.ts'
import { getFile } from '#methods/files.ts'
import type { Method } from '#methods/method.ts'
import { sendDocument, sendMessage } from '#methods/sending.ts'

/** The methods that the emulator knows. */
const METHODS: Readonly<Record<string, Method>> = {
  getMe,
  getChat,
  getChatMember,
  sendMessage,
  sendDocument,
  getFile,
  deleteMessage,
}

const BY_LOWER_CASE = new Map(Object.entries(METHODS).map(([name, method]) => [name.toLowerCase(), method]))

/** A method by its name in any case of letters; undefined for one that is not emulated. */
export function methodNamed(name: string): Method | undefined {
  return BY_LOWER_CASE.get(name.toLowerCase())
}
