import type { ExchangeAnswer } from '#bot-api/http-exchange.ts'
import { TelegramError } from '#telegram-error.ts'

const MAX_DESCRIPTION_LENGTH = 300

/** Replaces the token, and its secret half, wherever a server's text may repeat it; strips control characters. */
export function withoutToken(text: string, token: string): string {
  const secret = token.slice(token.indexOf(':') + 1)
  let clean = text
  for (const needle of [token, encodeURIComponent(token), secret]) {
    if (needle.length > 0) clean = clean.replaceAll(needle, '<token>')
  }
  return clean.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_DESCRIPTION_LENGTH)
}

/**
 * The `result` of an answer, or the error that it stands for. 5xx says nothing about whether the call was carried out
 * (messages arrived minutes after a 502): `ANSWER_LOST`. Everything else that is not `ok:true` is a refusal.
 */
export function readAnswer(answer: ExchangeAnswer, token: string): unknown {
  const json = parseObject(answer.body)
  if (answer.status === 200 && json?.['ok'] === true) return json['result']
  const words =
    typeof json?.['description'] === 'string' ? json['description'] : `HTTP status ${answer.status}`
  const description = withoutToken(words, token)
  if (answer.status >= 500 || (answer.status === 200 && json?.['ok'] !== false)) {
    throw new TelegramError(`The Bot API server failed: ${description}`, 'ANSWER_LOST', {
      errorCode: answer.status,
      description,
    })
  }
  throw refusal(answer, json, description)
}

function refusal(
  answer: ExchangeAnswer,
  json: Record<string, unknown> | undefined,
  description: string,
): TelegramError {
  const status = answer.status === 200 ? Number(json?.['error_code'] ?? 400) : answer.status
  const retryAfterSeconds = floodWaitSeconds(status, answer, json, description)
  const common = {
    errorCode: status,
    description,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }
  // The public server answers both 401 and 404 to a token that it does not know.
  const tokenIsWrong = status === 401 || (status === 404 && !/method not found/i.test(description))
  if (tokenIsWrong) {
    return new TelegramError(`Telegram does not accept the bot token (${description})`, 'CONFIGURATION', {
      ...common,
      hint: 'Check TELEGRAM_BOT_TOKEN; @BotFather shows it under /mybots, "API Token".',
    })
  }
  const chat = chatRefusal(description)
  if (chat)
    return new TelegramError(`${chat.message} (${description})`, 'CONFIGURATION', {
      ...common,
      hint: chat.hint,
    })
  return new TelegramError(`Telegram refused: ${description}`, 'REFUSED', common)
}

/** Refusals that a person mends in Telegram, with the words for it. */
function chatRefusal(description: string): { message: string; hint: string } | undefined {
  if (/chat not found|chat_id is empty|group chat was deleted/i.test(description)) {
    return {
      message: 'The chat does not exist for this bot',
      hint: 'Check TELEGRAM_CHAT_ID (a channel’s begins with -100) and add the bot to the chat.',
    }
  }
  if (/upgraded to a supergroup/i.test(description)) {
    return {
      message: 'The group has become a supergroup',
      hint: 'Set TELEGRAM_CHAT_ID to the new chat’s id.',
    }
  }
  if (/kicked|not a member|blocked by the user|can't initiate|user is deactivated/i.test(description)) {
    return {
      message: 'The bot is not in the chat',
      hint: 'Add the bot to the chat again, as an administrator.',
    }
  }
  if (/administrator rights|not enough rights|have no rights|need administrator/i.test(description)) {
    return {
      message: 'The bot lacks a right in the chat',
      hint: 'Make it an administrator that may post, edit and delete messages; "telegram-backup doctor" tells which is missing.',
    }
  }
  return undefined
}

/** Seconds to wait, from `parameters`, the header, or the words: floods of an upload come as a 400 with words only. */
function floodWaitSeconds(
  status: number,
  answer: ExchangeAnswer,
  json: Record<string, unknown> | undefined,
  description: string,
): number | undefined {
  const parameters = json?.['parameters']
  const told =
    typeof parameters === 'object' && parameters !== null
      ? (parameters as Record<string, unknown>)['retry_after']
      : undefined
  if (typeof told === 'number' && told >= 0) return told
  const inWords = /retry after (\d{1,9})/i.exec(description)
  if (inWords) return Number(inWords[1])
  if (status !== 429) return undefined
  const header = Number(answer.headers['retry-after'])
  return Number.isFinite(header) && header >= 0 ? header : 1
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
