import { isDeepStrictEqual } from 'node:util'
import { type RefusalName, refusal } from '#answers.ts'
import { inputDocument, keepDocument } from '#methods/input-files.ts'
import { captionOf, formattedCaption, inlineMarkupOf, textOf } from '#methods/message-text.ts'
import { accessChat, findMessage, type MethodCall, messageIdOf } from '#methods/method.ts'
import { parseJson } from '#requests/request-body.ts'
import type { Chat, Message } from '#world/records.ts'
import { mayEdit } from '#world/rights.ts'
import { type Json, showMessage } from '#world/showing.ts'

/** What an edit may change; id, date and pin stay. */
type EditableContent = Pick<Message, 'text' | 'caption' | 'entities' | 'documentNumber' | 'replyMarkup'>

/** A message that the bot may edit, and where it is. */
interface Editable {
  readonly chat: Chat
  readonly message: Message
}

/** editMessageText. */
export function editMessageText(call: MethodCall): Json {
  const text = textOf(call)
  const markup = inlineMarkupOf(call)
  const { chat, message } = editableMessage(call, 'editRefused')
  if (message.text === undefined) throw refusal('editTextMissing')
  return edit(call, { chat, message }, { ...text, ...markup })
}

/** editMessageCaption: without a caption the old one goes. */
export function editMessageCaption(call: MethodCall): Json {
  const markup = inlineMarkupOf(call)
  const { chat, message } = editableMessage(call, 'editRefused')
  if (message.documentNumber === undefined) throw refusal('editCaptionMissing')
  return edit(
    call,
    { chat, message },
    { documentNumber: message.documentNumber, ...captionOf(call), ...markup },
  )
}

/** editMessageReplyMarkup: without a keyboard the old one goes. */
export function editMessageReplyMarkup(call: MethodCall): Json {
  const markup = inlineMarkupOf(call)
  const { chat, message } = editableMessage(call, 'editRefused')
  const { replyMarkup: _, ...content } = contentOf(message)
  return edit(call, { chat, message }, { ...content, ...markup })
}

/**
 * editMessageMedia: another document, new or kept, with its own caption; a text message becomes a document.
 */
export function editMessageMedia(call: MethodCall): Json {
  const markup = inlineMarkupOf(call)
  const media = inputMediaOf(call)
  const { chat, message } = editableMessage(call, 'editMediaRefused')
  const input = inputDocument(call, '', media.media)
  if (input === undefined) throw refusal('mediaNotFound')
  const caption = formattedCaption(call, media)
  // Before the upload becomes a document; a new one is always a change.
  if ('upload' in input) call.turn.edit(chat)
  return edit(call, { chat, message }, { documentNumber: keepDocument(call, input), ...caption, ...markup })
}

/**
 * The message to edit, if the bot may. Forwards and messages with a keyboard of their own kind stay as they
 * are.
 */
function editableMessage(call: MethodCall, refused: RefusalName): Editable {
  if (call.parameters.text('chat_id') === '' && messageIdOf(call) === 0) throw refusal('messageIdMissing')
  const access = accessChat(call)
  const message = findMessage(call, access)
  if (message === undefined) throw refusal('editNotFound')
  const own = message.authorId === call.bot.id
  const hasOtherKeyboard = message.replyMarkup !== undefined && !('inline_keyboard' in message.replyMarkup)
  const isFixed = message.forward !== undefined || message.service !== undefined || hasOtherKeyboard
  if (isFixed || !mayEdit({ type: access.chat.type, membership: access.membership, own })) {
    throw refusal(refused)
  }
  return { chat: access.chat, message }
}

function edit(call: MethodCall, { chat, message }: Editable, content: EditableContent): Json {
  if (isDeepStrictEqual(contentOf(message), content)) throw refusal('editUnchanged')
  call.turn.edit(chat)
  const { text: _text, caption: _caption, entities: _entities, ...rest } = message
  const { documentNumber: _document, replyMarkup: _markup, ...lasting } = rest
  const edited: Message = { ...lasting, ...content, editDate: call.world.clock.nowSeconds() }
  call.world.commit({ kind: 'message', message: edited })
  return showMessage(call.world, call.bot, edited)
}

function contentOf({ text, caption, entities, documentNumber, replyMarkup }: Message): EditableContent {
  return {
    ...(text === undefined ? {} : { text }),
    ...(caption === undefined ? {} : { caption }),
    ...(entities === undefined ? {} : { entities }),
    ...(documentNumber === undefined ? {} : { documentNumber }),
    ...(replyMarkup === undefined ? {} : { replyMarkup }),
  }
}

interface InputMedia {
  readonly media: string
  readonly caption: string
  readonly parseMode: string
  readonly entities: unknown
}

function inputMediaOf(call: MethodCall): InputMedia {
  const text = call.parameters.text('media')
  if (text === '') throw refusal('mediaMissing')
  const parsed = parseJson(text)
  if (typeof parsed !== 'object' || parsed === null) throw refusal('mediaUnparsable')
  const fields = parsed as Record<string, unknown>
  if (fields['type'] !== 'document') throw refusal('mediaTypeUnknown')
  return {
    media: String(fields['media'] ?? ''),
    caption: String(fields['caption'] ?? ''),
    parseMode: String(fields['parse_mode'] ?? ''),
    entities: fields['caption_entities'],
  }
}
