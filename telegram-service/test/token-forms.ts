import { inspect } from 'node:util'

export const BOT_ID = '7000000001'
const SECRET = 'AAabcDEFghijKLMnop-qrs_TUV0123456xy'
export const TOKEN: string = `${BOT_ID}:${SECRET}`

function perCharacter(text: string, write: (code: number) => string): string {
  return [...text].map(character => write(character.charCodeAt(0))).join('')
}

function hex2(code: number): string {
  return code.toString(16).padStart(2, '0')
}

/** Ways in which a server, or a library on the way, may repeat the token. */
export const FORMS: ReadonlyArray<[name: string, form: string]> = [
  ['as it is', TOKEN],
  ['without its id', SECRET],
  ['percent-encoded', encodeURIComponent(TOKEN)],
  ['percent-encoded all over', perCharacter(TOKEN, code => `%${hex2(code)}`)],
  ['in decimal entities', perCharacter(TOKEN, code => `&#${code};`)],
  ['in hexadecimal entities', perCharacter(TOKEN, code => `&#x${hex2(code)};`)],
  ['in unicode escapes', perCharacter(TOKEN, code => `\\u00${hex2(code)}`)],
  ['in hexadecimal', Buffer.from(TOKEN).toString('hex')],
  ['in base64', Buffer.from(TOKEN).toString('base64')],
  ['in base64 of a URL', Buffer.from(`GET /bot${TOKEN}/getMe HTTP/1.1`).toString('base64')],
  ['in base64url', Buffer.from(`a${TOKEN}`).toString('base64url')],
  ['in capitals', TOKEN.toUpperCase()],
  ['in lower case', TOKEN.toLowerCase()],
  ['with spaces between', [...TOKEN].join(' ')],
  ['cut in its middle', TOKEN.slice(0, BOT_ID.length + 25)],
  ['without its beginning', TOKEN.slice(-25)],
]

/** All that may be printed of a value: texts, stacks, causes, hidden and enumerable fields. */
function everythingIn(value: unknown): string {
  const pieces = [inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity })]
  pieces.push(String(JSON.stringify(value)))
  for (let error = value; error instanceof Error; error = error.cause) {
    pieces.push(error.message, String(error.stack), JSON.stringify(error), inspect(Object.entries(error)))
  }
  return pieces.join('\n')
}

/** The names of the forms in which a value repeats the token. */
export function formsIn(value: unknown): string[] {
  const text = everythingIn(value).replace(/\s+/g, ' ')
  const bare = text.replace(/[^A-Za-z0-9]/g, '').toLowerCase()
  const found = FORMS.filter(([, form]) => text.includes(form)).map(([name]) => name)
  const halves = [SECRET.slice(0, 17), SECRET.slice(-17)]
  const inDisguise = halves.some(half => bare.includes(half.replace(/[^A-Za-z0-9]/g, '').toLowerCase()))
  return inDisguise ? [...found, 'half of it'] : found
}
