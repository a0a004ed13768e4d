import { refusal } from '#answers.ts'
import { inputDocument, keepDocument } from '#methods/input-files.ts'
import { captionOf, replyMarkupOf, textOf } from '#methods/message-text.ts'
import { accessChat, type ChatAccess, type MethodCall } from '#methods/method.ts'
import { parseJson } from '#requests/request-body.ts'
import { type MessageContent, postAsBot } from '#world/posting.ts'
import { mayPost } from '#world/rights.ts'
import { type Json, showMessage } from '#world/showing.ts'

/** As telegram-bot-api reads them (get_chat_action). */
const CHAT_ACTIONS: ReadonlySet<string> = new Set([
  'cancel',
  'typing',
  'record_video',
  'upload_video',
  'record_audio',
  'record_voice',
  'upload_audio',
  'upload_voice',
  'upload_photo',
  'upload_document',
  'choose_sticker',
  'pick_up_location',
  'find_location',
  'record_video_note',
  'upload_video_note',
])

/** sendMessage: text only. */
export function sendMessage(call: MethodCall): Json {
  const text = textOf(call)
  const access = accessForPosting(call)
  const options = sendOptions(call, access)
  return post(call, access, () => ({ ...text, ...options }))
}

/** sendDocument: an upload or a file_id, with a caption. */
export function sendDocument(call: MethodCall): Json {
  const value = call.parameters.text('document')
  if (value === '' && call.parameters.file('document') === undefined) throw refusal('noDocument')
  const access = accessForPosting(call)
  const options = sendOptions(call, access)
  const input = inputDocument(call, 'document', value)
  if (input === undefined) throw refusal('noDocument')
  const caption = captionOf(call)
  return post(call, access, () => ({ ...caption, documentNumber: keepDocument(call, input), ...options }))
}

/** sendChatAction: says that the bot is at work. No message, so it takes no turn. */
export function sendChatAction(call: MethodCall): true {
  if (!CHAT_ACTIONS.has(call.parameters.text('action'))) throw refusal('chatActionUnknown')
  accessForPosting(call)
  return true
}

/** The chat named by `chat_id`, if the bot may write there. */
export function accessForPosting(call: MethodCall): ChatAccess {
  const access = accessChat(call)
  if (!mayPost(access.chat.type, access.membership)) throw refusal('channelNeedsAdministrator')
  return access
}

/** Everything is checked when this is called; only the pace can still refuse or put off. */
function post(call: MethodCall, { chat }: ChatAccess, content: () => MessageContent): Json {
  call.turn.post(chat)
  const message = postAsBot(call.world, { chat, botId: call.bot.id, content: content() })
  return showMessage(call.world, call.bot, message)
}

function sendOptions(call: MethodCall, access: ChatAccess): MessageContent {
  return {
    ...replyOf(call, access),
    ...replyMarkupOf(call),
    ...(call.parameters.boolean('protect_content') ? { protected: true } : {}),
  }
}

/** The message replied to, from `reply_parameters` or the older `reply_to_message_id`. */
function replyOf(call: MethodCall, access: ChatAccess): { replyToId?: number } {
  const parsed = parseJson(call.parameters.text('reply_parameters'))
  const reply = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  const id = Number(reply['message_id'] ?? call.parameters.integer('reply_to_message_id'))
  if (!(id > 0)) return {}
  if (call.world.message(access.box, access.chat.id, id) !== undefined) return { replyToId: id }
  const mayMiss =
    reply['allow_sending_without_reply'] === true || call.parameters.boolean('allow_sending_without_reply')
  if (mayMiss) return {}
  throw refusal('replyNotFound')
}
