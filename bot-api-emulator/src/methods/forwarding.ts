import { refusal } from '#answers.ts'
import { captionOf } from '#methods/message-text.ts'
import { accessChat, type ChatAccess, findMessage, type MethodCall, messageIdsOf } from '#methods/method.ts'
import { accessForPosting } from '#methods/sending.ts'
import { type MessageContent, postAsBot } from '#world/posting.ts'
import type { Message } from '#world/records.ts'
import { type Json, showMessage } from '#world/showing.ts'

/** forwardMessage: the whole new message, which names its origin and can never be edited. */
export function forwardMessage(call: MethodCall): Json {
  const source = findMessage(call, accessSource(call))
  if (source === undefined) throw refusal('forwardNotFound')
  const target = accessForPosting(call)
  if (source.service !== undefined) throw refusal('forwardRefused')
  if (source.protected === true) throw refusal('forwardProtected')
  return showMessage(call.world, call.bot, add(call, target, [forwardedContent(source)])[0] as Message)
}

/** forwardMessages: missing ones are passed over, and only the new ids are told. */
export function forwardMessages(call: MethodCall): Json[] {
  const { target, sources } = plural(call)
  const possible = sources.filter(source => source.service === undefined && source.protected !== true)
  if (possible.length === 0) throw refusal('forwardsRefused')
  return add(call, target, possible.map(forwardedContent)).map(showId)
}

/** copyMessage: the same content without an origin, under another caption if one is given. */
export function copyMessage(call: MethodCall): Json {
  const source = findMessage(call, accessSource(call))
  if (source === undefined) throw refusal('copyNotFound')
  const target = accessForPosting(call)
  if (source.service !== undefined) throw refusal('copyRefused')
  const { caption: _caption, entities: _entities, ...content } = copiedContent(source)
  const replaced = call.parameters.has('caption') && source.documentNumber !== undefined
  const copied = replaced ? { ...content, ...captionOf(call) } : copiedContent(source)
  return add(call, target, [copied]).map(showId)[0] as Json
}

/** copyMessages. */
export function copyMessages(call: MethodCall): Json[] {
  const { target, sources } = plural(call)
  const possible = sources.filter(source => source.service === undefined)
  if (possible.length === 0) throw refusal('forwardsRefused')
  return add(call, target, possible.map(copiedContent)).map(showId)
}

function accessSource(call: MethodCall): ChatAccess {
  if (call.parameters.text('from_chat_id') === '') throw refusal('fromChatIdMissing')
  return accessChat(call, 'read', 'from_chat_id')
}

function plural(call: MethodCall): { target: ChatAccess; sources: Message[] } {
  if (call.parameters.text('from_chat_id') === '') throw refusal('fromChatIdMissing')
  const ids = messageIdsOf(call)
  const target = accessForPosting(call)
  const { box, chat } = accessSource(call)
  const found = ids.filter(id => call.world.message(box, chat.id, id) !== undefined)
  if (found.length === 0) throw refusal('nothingToForward')
  if (found.some((id, index) => id <= (found[index - 1] ?? 0))) throw refusal('messageIdsUnordered')
  const sources = found.map(id => call.world.message(box, chat.id, id))
  return { target, sources: sources.filter(source => source !== undefined) }
}

function add(call: MethodCall, { chat }: ChatAccess, contents: readonly MessageContent[]): Message[] {
  call.turn.post(chat, contents.length)
  return contents.map(content => postAsBot(call.world, { chat, botId: call.bot.id, content }))
}

function copiedContent({ text, caption, entities, documentNumber }: Message): MessageContent {
  return {
    ...(text === undefined ? {} : { text }),
    ...(caption === undefined ? {} : { caption }),
    ...(entities === undefined ? {} : { entities }),
    ...(documentNumber === undefined ? {} : { documentNumber }),
  }
}

/** The origin of a forward is where it was first said. */
function forwardedContent(source: Message): MessageContent {
  const { chatId, id: messageId, authorId, date } = source
  return { ...copiedContent(source), forward: source.forward ?? { chatId, messageId, authorId, date } }
}

function showId({ id }: Message): Json {
  return { message_id: id }
}
