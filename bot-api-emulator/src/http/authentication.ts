import { refusal } from '#answers.ts'
import type { Bot } from '#world/records.ts'
import type { World } from '#world/world.ts'

const MAX_TOKEN_LENGTH = 80
/** Bot ids fit in 48 bits with room to spare; anything larger is no id (telegram-bot-api ClientManager). */
const MAX_BOT_ID = 2 ** 47

/** The bot of a token, or the refusal that this shape of token gets (telegram-bot-api ClientManager). */
export function authenticate(world: World, token: string): Bot {
  const [id = '', secret] = token.split(':', 2)
  if (secret === undefined || token.startsWith('0') || token.length > MAX_TOKEN_LENGTH) {
    throw refusal('invalidToken')
  }
  if (!/^\d+$/.test(id)) throw refusal('misdirected')
  if (Number(id) <= 0 || Number(id) >= MAX_BOT_ID) throw refusal('invalidToken')
  const bot = world.botByToken(token)
  if (bot === undefined) throw refusal('unauthorized')
  return bot
}
