const MAX_LENGTH = 300
const HIDDEN = 'its answer repeats the bot token, and so is not shown'

/**
 * A server's text without the token or its secret half, on one line, at most 300 characters. A text that
 * repeats the token in disguise (escaped, encoded, broken up, cut in half) is not shown at all.
 */
export function withoutToken(text: string, token: string): string {
  const secret = token.slice(token.indexOf(':') + 1)
  const plain = [token, secret].reduce((shown, needle) => shown.replaceAll(needle, '<token>'), text)
  const repeats = disguisesOf(secret)
  const leaks = readings(plain).some(reading => repeats.some(repeat => reading.includes(repeat)))
  return leaks
    ? HIDDEN
    : plain
        .toWellFormed()
        .replace(/\p{Cc}+/gu, ' ')
        .slice(0, MAX_LENGTH)
}

/** What would reveal the secret. Halves count if they are too long to occur by chance. */
function disguisesOf(secret: string): string[] {
  const middle = Math.ceil(secret.length / 2)
  const pieces = middle >= 12 ? [secret.slice(0, middle), secret.slice(middle)] : [secret]
  return pieces.flatMap(piece => [piece, hex(piece), ...base64(piece)]).map(bare)
}

function hex(piece: string): string {
  return Buffer.from(piece).toString('hex')
}

/** The characters that the piece alone decides, for each offset in a group of three bytes. */
function base64(piece: string): string[] {
  return [0, 1, 2].map(offset => {
    const bits = (offset + piece.length) * 8
    const encoded = Buffer.from('x'.repeat(offset) + piece).toString('base64')
    return encoded.slice(Math.ceil((offset * 8) / 6), Math.floor(bits / 6))
  })
}

/** The text, and its decoded forms. */
function readings(text: string): string[] {
  const unescaped = [
    text,
    text.replace(/%([0-9a-f]{2})/gi, character),
    text.replace(/&#x([0-9a-f]{1,6});?/gi, character).replace(/&#(\d{1,7});?/g, decimalCharacter),
    text.replace(/\\(?:u00|x)([0-9a-f]{2})/gi, character),
  ]
  return unescaped.map(bare)
}

function character(_match: string, digits: string): string {
  return String.fromCharCode(Number.parseInt(digits, 16))
}

function decimalCharacter(_match: string, digits: string): string {
  return String.fromCharCode(Number(digits))
}

function bare(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '').toLowerCase()
}
