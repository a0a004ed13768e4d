import { refusal } from '#answers.ts'
import { parseHtml } from '#methods/html-entities.ts'
import type { MethodCall } from '#methods/method.ts'
import { parseJson } from '#requests/request-body.ts'
import type { Message, TextEntity } from '#world/records.ts'

/** A text as it came: with markup in it, or with its entities beside it. */
interface RawText {
  readonly text: string
  readonly parseMode: string
  readonly entities: unknown
}

/** The text of a message. Throws ApiRefusal when it is empty, too long, or its markup is wrong. */
export function textOf(call: MethodCall): Pick<Message, 'text' | 'entities'> {
  const raw = call.parameters.text('text')
  if (raw === '') throw refusal('textEmpty')
  const { text, entities } = format(rawText(call, 'text', 'entities'))
  if (text === '') throw refusal('textBlank')
  if (codePoints(text) > call.limits.maxTextLength) throw refusal('textTooLong')
  return { text, ...entities }
}

/** The caption that the call brings; nothing when it brings none. Throws ApiRefusal as for a text. */
export function captionOf(call: MethodCall): Pick<Message, 'caption' | 'entities'> {
  const { text, parseMode, entities } = rawText(call, 'caption', 'caption_entities')
  return formattedCaption(call, { caption: text, parseMode, entities })
}

/** The same for a caption inside an InputMedia. */
export function formattedCaption(
  call: MethodCall,
  raw: { caption: string; parseMode: string; entities: unknown },
): Pick<Message, 'caption' | 'entities'> {
  const { text, entities } = format({ ...raw, text: raw.caption })
  if (codePoints(text) > call.limits.maxCaptionLength) throw refusal('captionTooLong')
  return text === '' ? {} : { caption: text, ...entities }
}

/** A keyboard of any kind; nothing when there is none. Throws ApiRefusal when it is not a JSON object. */
export function replyMarkupOf(call: MethodCall): Pick<Message, 'replyMarkup'> {
  const text = call.parameters.text('reply_markup')
  if (text === '') return {}
  const parsed = parseJson(text)
  if (parsed === undefined) throw refusal('replyMarkupUnparsable')
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw refusal('replyMarkupNoObject')
  }
  return Object.keys(parsed).length === 0 ? {} : { replyMarkup: parsed as Record<string, unknown> }
}

/** A keyboard for an edit, which must be an inline one; an empty one is none. */
export function inlineMarkupOf(call: MethodCall): Pick<Message, 'replyMarkup'> {
  const { replyMarkup } = replyMarkupOf(call)
  if (replyMarkup === undefined) return {}
  const rows = replyMarkup['inline_keyboard']
  if (!Array.isArray(rows)) throw refusal('replyMarkupNotInline')
  return rows.length === 0 ? {} : { replyMarkup }
}

function rawText({ parameters }: MethodCall, text: string, entities: string): RawText {
  return {
    text: parameters.text(text),
    parseMode: parameters.text('parse_mode'),
    entities: parseJson(parameters.text(entities)),
  }
}

function format({ text, parseMode, entities }: RawText): {
  text: string
  entities: Pick<Message, 'entities'>
} {
  switch (text === '' ? '' : parseMode.toLowerCase()) {
    case '':
    case 'none':
      return trimmed(text, Array.isArray(entities) ? entities.filter(isEntity) : [])
    case 'html': {
      const parsed = parseHtml(text)
      return trimmed(parsed.text, parsed.entities)
    }
    case 'markdown':
    case 'markdownv2':
      throw refusal('parseModeNotModelled')
    default:
      throw refusal('parseModeUnsupported')
  }
}

/** Carriage returns vanish, and so does white space at both ends; entities move along. */
function trimmed(
  raw: string,
  entities: readonly TextEntity[],
): { text: string; entities: Pick<Message, 'entities'> } {
  const text = raw.replaceAll('\r', '').trim()
  const dropped = raw.length - raw.trimStart().length
  const moved = entities
    .map(entity => ({ ...entity, offset: entity.offset - dropped }))
    .filter(({ offset, length }) => length > 0 && offset >= 0 && offset + length <= text.length)
  return { text, entities: moved.length === 0 ? {} : { entities: moved } }
}

function isEntity(value: unknown): value is TextEntity {
  if (typeof value !== 'object' || value === null) return false
  const fields = value as Record<string, unknown>
  return (
    typeof fields['type'] === 'string' &&
    Number.isInteger(fields['offset']) &&
    Number.isInteger(fields['length'])
  )
}

function codePoints(text: string): number {
  return [...text].length
}
