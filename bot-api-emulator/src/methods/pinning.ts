import { refusal } from '#answers.ts'
import { accessChat, type ChatAccess, findMessage, type MethodCall, messageIdOf } from '#methods/method.ts'
import { pinMessage, unpinMessage } from '#world/pins.ts'
import type { Message } from '#world/records.ts'
import { mayPin } from '#world/rights.ts'

/** pinChatMessage. Pinning what is pinned is a success without effect, which is a guess. */
export function pinChatMessage(call: MethodCall): true {
  const access = accessChat(call)
  const message = findMessage(call, access)
  if (message === undefined) throw refusal('pinNotFound')
  checkPinRights(access)
  if (message.service !== undefined) throw refusal('pinServiceMessage')
  if (message.pinned !== true) pinMessage(call.world, { chat: access.chat, message, byUserId: call.bot.id })
  return true
}

/** unpinChatMessage: the named message, or the pinned one that was sent last. */
export function unpinChatMessage(call: MethodCall): true {
  const access = accessChat(call)
  const message = messageIdOf(call) === 0 ? latestPinned(call, access) : findMessage(call, access)
  if (message === undefined) throw refusal('unpinNotFound')
  checkPinRights(access)
  unpinMessage(call.world, message)
  return true
}

/** unpinAllChatMessages. */
export function unpinAllChatMessages(call: MethodCall): true {
  const access = accessChat(call)
  checkPinRights(access)
  for (const message of pinnedMessages(call, access)) unpinMessage(call.world, message)
  return true
}

/** The pinned message that was sent last, whichever was pinned last; ids go up with the time of sending. */
export function latestPinned(call: MethodCall, access: ChatAccess): Message | undefined {
  return pinnedMessages(call, access).sort((one, other) => other.id - one.id)[0]
}

function pinnedMessages({ world }: MethodCall, { chat, box }: ChatAccess): Message[] {
  return world.messagesOf(chat.id).filter(message => message.box === box && message.pinned === true)
}

function checkPinRights({ chat, membership }: ChatAccess): void {
  if (!mayPin(chat.type, membership)) throw refusal('pinRightsMissing')
}
