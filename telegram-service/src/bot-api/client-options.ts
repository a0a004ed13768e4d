import type { CallPolicy, CallWait } from '#bot-api/call-policy.ts'
import type { ExchangeTimeouts } from '#bot-api/http-exchange.ts'
import { TelegramError } from '#telegram-error.ts'

export interface TelegramClientOptions {
  /** From BotFather, `123456789:AA…`. */
  token: string
  /** Bot API server without a trailing slash. Default: TELEGRAM_API_ROOT, else the public one. */
  apiRoot?: string
  /** In one chat; 0 = no pace. Default: TELEGRAM_MESSAGES_PER_MINUTE, else 20 (public server) or 0. */
  messagesPerMinute?: number
  /** Limit on all uploads of this client together, from 1024; default: none. */
  uploadBytesPerSecond?: number | undefined
  timeouts?: Partial<ExchangeTimeouts>
  policy?: Partial<CallPolicy>
  observer?: TransferObserver
}

/** Observes all calls of a client. Must not throw. */
export interface TransferObserver {
  onWait?(wait: CallWait): void
  /** Bytes of answered requests, and of fetched files. */
  onTransfer?(direction: 'up' | 'down', bytes: number): void
  /** Called at the end of each try of a call. */
  onCall?(call: ObservedCall): void
}

/** One try of a call, as a log may name it: without parameters. */
export interface ObservedCall {
  /** A method of the Bot API, or `download`. */
  method: string
  /** Of the request body, or of the fetched file. */
  bytes: number
  seconds: number
  /** The message that it made or changed. */
  messageId?: number | undefined
  /** Why it failed. */
  error?: string | undefined
}

/** Throws `CONFIGURATION` for anything but an http or https URL. */
export function parseApiRoot(apiRoot: string): URL {
  const url = URL.parse(apiRoot)
  if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url
  throw new TelegramError('TELEGRAM_API_ROOT is not an http or https URL', {
    code: 'CONFIGURATION',
    hint: 'It looks like https://api.telegram.org, without a trailing slash.',
  })
}

/** Throws `CONFIGURATION` for a pace that is not a whole number from 0. */
export function assertPace(messagesPerMinute: number): void {
  if (Number.isSafeInteger(messagesPerMinute) && messagesPerMinute >= 0) return
  throw new TelegramError('The number of messages per minute is not a whole one from 0', {
    code: 'CONFIGURATION',
    hint: 'Check TELEGRAM_MESSAGES_PER_MINUTE.',
  })
}
