import { type Hint, hint, option, run } from '@telegram-backup/errors'
import type { ExchangeAnswer } from '#bot-api/http-exchange.ts'
import { withoutToken } from '#bot-api/server-words.ts'
import { TelegramError } from '#telegram-error.ts'

/** Many times the longest message. Deeply nested JSON takes a hundred times its size to parse. */
export const MAX_JSON_ANSWER_BYTES: number = 512 * 1024

/**
 * The `result` of an answer, or the error that it means. A 5xx does not say whether the call was carried out
 * (messages arrived minutes after a 502): `ANSWER_LOST`, as for a 2xx that is not the Bot API's. All else
 * without `ok:true` is a refusal.
 */
export function readAnswer(answer: ExchangeAnswer, token: string): unknown {
  const json = parseObject(answer.body)
  const said = json?.['ok']
  if (answer.status === 200 && said === true) return json?.['result']
  const status = said === false ? errorCodeOf(json, answer.status) : answer.status
  const description = describe(json, status, token)
  const isUnclear = status < 300 ? said !== false : status >= 400 && said === true
  if (status >= 500 || isUnclear) {
    throw new TelegramError(`The Bot API server failed: ${description}`, {
      code: 'ANSWER_LOST',
      errorCode: status,
      description,
    })
  }
  throw refusal({ status, json, description, headers: answer.headers })
}

/**
 * The bytes of a file, or the error that the answer means. Links expire, and spurious 401s occur: getFile
 * then gives a new one, so most statuses are `ANSWER_LOST`, which is tried again.
 */
export function readFileAnswer(answer: ExchangeAnswer, token: string): Buffer {
  const { status, headers, body } = answer
  if (status === 200) return body
  const json = parseObject(body)
  const description = describe(json, status, token)
  if (status === 429 || (status >= 300 && status < 400)) throw refusal({ status, headers, json, description })
  throw new TelegramError(`The file’s link gave HTTP status ${status}`, {
    code: 'ANSWER_LOST',
    errorCode: status,
    description,
  })
}

function describe(json: Record<string, unknown> | undefined, status: number, token: string): string {
  const words = json?.['description']
  return typeof words === 'string' && words.trim() !== ''
    ? withoutToken(words, token)
    : `HTTP status ${status}`
}

/** The HTTP status, unless a proxy made a success of it. */
function errorCodeOf(json: Record<string, unknown> | undefined, status: number): number {
  if (status >= 300) return status
  const told = json?.['error_code']
  return typeof told === 'number' && Number.isInteger(told) && told >= 400 && told < 600 ? told : 400
}

interface Refusal {
  status: number
  headers: ExchangeAnswer['headers']
  json: Record<string, unknown> | undefined
  description: string
}

function refusal(refused: Refusal): TelegramError {
  const { status, description } = refused
  const movedTo = migrationTarget(refused.json)
  const common = {
    errorCode: status,
    description,
    retryAfterSeconds: floodWaitSeconds(refused),
    movedTo: movedTo?.toString(),
  }
  if (status < 400) return redirected(common)
  // For an unknown token the public server answers 401 or 404; a private one that filters tokens answers 421.
  const tokenIsWrong =
    status === 401 || status === 421 || (status === 404 && !/method not found/i.test(description))
  if (tokenIsWrong) {
    return new TelegramError(`Telegram does not accept the bot token (${description})`, {
      code: 'CONFIGURATION',
      ...common,
      hint: 'Check TELEGRAM_BOT_TOKEN (@BotFather shows it under /mybots, "API Token"), and TELEGRAM_API_ROOT if you set it.',
    })
  }
  const chat = chatRefusal(description, movedTo)
  if (chat)
    return new TelegramError(`${chat.message} (${description})`, {
      code: 'CONFIGURATION',
      ...common,
      hint: chat.hint,
    })
  return new TelegramError(`Telegram refused: ${description}`, {
    code: 'REFUSED',
    ...common,
    hint: status === 413 ? 'Set TELEGRAM_PART_SIZE to less.' : undefined,
  })
}

function migrationTarget(json: Record<string, unknown> | undefined): number | undefined {
  const parameters = json?.['parameters'] as Record<string, unknown> | null | undefined
  const target = typeof parameters === 'object' ? parameters?.['migrate_to_chat_id'] : undefined
  return typeof target === 'number' && Number.isSafeInteger(target) ? target : undefined
}

/** Never followed: the token would go along. */
function redirected(facts: { errorCode: number; description: string }): TelegramError {
  return new TelegramError(
    `The Bot API server redirects to another address (HTTP status ${facts.errorCode})`,
    {
      code: 'CONFIGURATION',
      ...facts,
      hint: 'Set TELEGRAM_API_ROOT to the address of the server itself.',
    },
  )
}

/** Refusals that a person can mend in Telegram. */
function chatRefusal(
  description: string,
  migratedTo: number | undefined,
): { message: string; hint: string | Hint } | undefined {
  if (/chat not found|chat_id is empty|group chat was deleted/i.test(description)) {
    return {
      message: 'The chat does not exist for this bot',
      hint: hint`Check the chat’s id, from ${option('chat')} or TELEGRAM_CHAT_ID (a channel’s begins with -100), and add the bot to the chat.`,
    }
  }
  if (/upgraded to a supergroup/i.test(description)) {
    return {
      message: 'The group has become a supergroup',
      hint: hint`Its new id is ${migratedTo ?? 'shown in its info'}: write it instead of the old one in TELEGRAM_CHAT_ID, ${option('chat')} and the sources’ chat.`,
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
      hint: hint`Make it an administrator that may post, edit and delete messages; "${run('doctor')}" says which one is missing.`,
    }
  }
  return undefined
}

/**
 * Seconds to wait, from `parameters`, the header, or the words: floods of uploads are a 400 with words only.
 */
function floodWaitSeconds({ status, headers, json, description }: Refusal): number | undefined {
  const parameters = json?.['parameters']
  const told =
    typeof parameters === 'object' && parameters !== null
      ? (parameters as Record<string, unknown>)['retry_after']
      : undefined
  if (typeof told === 'number' && told >= 0) return told
  const inWords = /retry after (\d{1,9})/i.exec(description)
  if (inWords) return Number(inWords[1])
  if (status !== 429) return undefined
  const header = Number(headers['retry-after'])
  return Number.isFinite(header) && header >= 0 ? header : 1
}

/** Undefined also for more than an answer of the Bot API can have. */
function parseObject(body: Buffer): Record<string, unknown> | undefined {
  if (body.length > MAX_JSON_ANSWER_BYTES) return undefined
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
