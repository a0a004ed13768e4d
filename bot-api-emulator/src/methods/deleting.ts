import { refusal } from '#answers.ts'
import { accessChat, type ChatAccess, findMessage, type MethodCall, messageIdOf } from '#methods/method.ts'
import type { Message } from '#world/records.ts'
import { mayDelete } from '#world/rights.ts'

/** deleteMessage. */
export function deleteMessage(call: MethodCall): true {
  const access = accessChat(call)
  if (messageIdOf(call) === 0) throw refusal('messageIdMissing')
  const message = findMessage(call, access)
  if (message === undefined) throw refusal('deleteNotFound')
  checkDeletable(call, access, message)
  remove(call, access, [message])
  return true
}

function remove(call: MethodCall, access: ChatAccess, messages: readonly Message[]): void {
  const messageIds = messages.map(message => message.id)
  call.world.commit({ kind: 'deleted', box: access.box, messageIds, atMs: call.world.clock.now() })
}

/** Age and rights; the age counts from the sending, whatever was edited since. */
function checkDeletable(call: MethodCall, { chat, membership }: ChatAccess, message: Message): void {
  const own = message.authorId === call.bot.id
  const tooOld = call.world.clock.nowSeconds() >= message.date + call.limits.deletableSeconds
  const allowed = mayDelete({ type: chat.type, membership, own }) && message.service?.type !== 'created'
  if (!tooOld && allowed) return
  const isShared = chat.type === 'channel' || chat.type === 'supergroup'
  throw refusal(isShared || !allowed ? 'deleteRefused' : 'deleteForEveryoneRefused')
}
