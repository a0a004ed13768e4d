import { entitiesRefusal } from '#answers.ts'
import type { TextEntity } from '#world/records.ts'

/** Tags of the Bot API's HTML style and what they make of a text. */
const ENTITY_TYPES: Readonly<Record<string, string>> = {
  a: 'text_link',
  b: 'bold',
  blockquote: 'blockquote',
  code: 'code',
  del: 'strikethrough',
  em: 'italic',
  i: 'italic',
  ins: 'underline',
  pre: 'pre',
  s: 'strikethrough',
  strike: 'strikethrough',
  strong: 'bold',
  'tg-spoiler': 'spoiler',
  u: 'underline',
}

/** The only entities with names that the Bot API knows (documented). */
const NAMED_CHARACTERS: Readonly<Record<string, string>> = { amp: '&', gt: '>', lt: '<', quot: '"' }

const TOKEN = /<(\/?)([^\s>/]*)([^>]*)>|&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));|[^<&]+|[<&]/gi

/** Takes the markup out of a text. Throws ApiRefusal for tags that are unknown or not closed in order. */
export function parseHtml(html: string): { text: string; entities: TextEntity[] } {
  let text = ''
  const entities: TextEntity[] = []
  const open: Array<{ tag: string; offset: number; url: string | undefined }> = []
  for (const match of html.matchAll(TOKEN)) {
    const [whole, slash, rawTag, attributes] = match
    if (rawTag === undefined) {
      text += plainText(match)
      continue
    }
    const tag = rawTag.toLowerCase()
    const at = Buffer.byteLength(html.slice(0, match.index))
    if (slash === '') {
      if (ENTITY_TYPES[tag] === undefined) {
        throw entitiesRefusal(`Unsupported start tag "${tag}" at byte offset ${at}`)
      }
      open.push({ tag, offset: text.length, url: /href="([^"]*)"/i.exec(attributes ?? '')?.[1] })
      continue
    }
    const started = open.pop()
    if (started === undefined) throw entitiesRefusal(`Unexpected end tag at byte offset ${at}`)
    if (started.tag !== tag) {
      throw entitiesRefusal(
        `Unmatched end tag at byte offset ${at}, expected "</${started.tag}>", found "${whole}"`,
      )
    }
    const length = text.length - started.offset
    const type = ENTITY_TYPES[tag] ?? ''
    const url = type === 'text_link' ? { url: started.url ?? '' } : {}
    if (length > 0) entities.push({ type, offset: started.offset, length, ...url })
  }
  const unclosed = open.pop()
  if (unclosed !== undefined) {
    throw entitiesRefusal(`Can't find end tag corresponding to start tag "${unclosed.tag}"`)
  }
  return { text, entities: entities.sort(outerFirst) }
}

function plainText([whole, , , , decimal, hex, name]: RegExpMatchArray): string {
  if (name !== undefined) return NAMED_CHARACTERS[name.toLowerCase()] ?? whole
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole
}

function outerFirst(one: TextEntity, other: TextEntity): number {
  return one.offset - other.offset || other.length - one.length
}
