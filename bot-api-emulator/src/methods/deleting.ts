import { refusal } from '#answers.ts'
import {
  accessChat,
  type ChatAccess,
  findMessage,
  type MethodCall,
  messageIdOf,
  messageIdsOf,
} from '#methods/method.ts'
import type { Message } from '#world/records.ts'
import { mayDelete } from '#world/rights.ts'
import { isNumberedByChat } from '#world/world.ts'

/** deleteMessage. */
export function deleteMessage(call: MethodCall): true {
  if (call.parameters.text('chat_id') === '') throw refusal('chatIdMissing')
  if (messageIdOf(call) === 0) throw refusal('messageIdMissing')
  const access = accessChat(call)
  const message = findMessage(call, access)
  if (message === undefined) throw refusal('deleteNotFound')
  remove(call, access, [message])
  return true
}

/**
 * deleteMessages: missing ones are passed over, but one that cannot be deleted keeps all the others alive.
 */
export function deleteMessages(call: MethodCall): true {
  const ids = messageIdsOf(call)
  const access = accessChat(call)
  const found = [...new Set(ids)].map(id => call.world.message(access.box, access.chat.id, id))
  const messages = found.filter(message => message !== undefined)
  if (messages.length > 0) remove(call, access, messages)
  return true
}

function remove(call: MethodCall, access: ChatAccess, messages: readonly Message[]): void {
  for (const message of messages) checkDeletable(call, access, message)
  const messageIds = messages.map(message => message.id)
  call.world.commit({ kind: 'deleted', box: access.box, messageIds, atMs: call.world.clock.now() })
}

/** Age and rights; the age counts from the sending, whatever was edited since. */
function checkDeletable(call: MethodCall, { chat, membership }: ChatAccess, message: Message): void {
  const own = message.authorId === call.bot.id
  const isYoung = call.world.clock.nowSeconds() < message.date + call.limits.deletableSeconds
  // The creation of a channel or supergroup, be it out of a basic group, cannot be undone.
  const isBirth = message.service?.type === 'created' || message.service?.type === 'migrated-from'
  if (isYoung && !isBirth && mayDelete({ type: chat.type, membership, own })) return
  throw refusal(isNumberedByChat(chat) ? 'deleteRefused' : 'deleteForEveryoneRefused')
}
