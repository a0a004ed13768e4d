import { refusal } from '#answers.ts'
import { parseJson } from '#http/request-body.ts'
import type { MethodCall } from '#methods/method.ts'
import type { Message } from '#world/records.ts'

/** The text of a message. Throws ApiRefusal when it is empty or too long. */
export function textOf(call: MethodCall): Pick<Message, 'text' | 'entities'> {
  const text = cleanText(call.parameters.text('text'))
  if (text === '') throw refusal('textEmpty')
  if (codePoints(text) > call.limits.maxTextLength) throw refusal('textTooLong')
  return { text }
}

/** The caption that the call brings; nothing when it brings none. Throws ApiRefusal when it is too long. */
export function captionOf(call: MethodCall): Pick<Message, 'caption' | 'entities'> {
  return checkedCaption(call, call.parameters.text('caption'))
}

/** The same for a caption inside an InputMedia. */
export function checkedCaption(call: MethodCall, raw: string): Pick<Message, 'caption' | 'entities'> {
  const caption = cleanText(raw)
  if (codePoints(caption) > call.limits.maxCaptionLength) throw refusal('captionTooLong')
  return caption === '' ? {} : { caption }
}

/** A keyboard as sent with a message; nothing when there is none. Throws ApiRefusal when it is not JSON. */
export function replyMarkupOf(text: string): Pick<Message, 'replyMarkup'> {
  if (text === '') return {}
  const parsed = parseJson(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refusal('replyMarkupUnparsable')
  }
  return Object.keys(parsed).length === 0 ? {} : { replyMarkup: parsed as Record<string, unknown> }
}

/** Carriage returns vanish, and so does white space at both ends. */
function cleanText(text: string): string {
  return text.replaceAll('\r', '').trim()
}

function codePoints(text: string): number {
  return [...text].length
}
