import { type ExchangeAnswer, type ExchangeRequest, exchange } from '#bot-api/http-exchange.ts'
import type { TelegramError } from '#index.ts'

/** Long enough never to matter; a test of a bound sets that one alone. */
export const PATIENT = { connectMs: 60_000, stallMs: 60_000, answerMs: 60_000, answerAfterCancelMs: 60_000 }

/** An exchange with a server, as a send unless told otherwise. */
export function post(url: string, request: Partial<ExchangeRequest> = {}): Promise<ExchangeAnswer> {
  return exchange({
    url: new URL(`${url}/path`),
    method: 'POST',
    body: [Buffer.from('{}')],
    repeatable: false,
    answer: { maxBytes: 1024 * 1024 },
    timeouts: PATIENT,
    ...request,
  })
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<TelegramError> {
  try {
    await promise
  } catch (error) {
    return error as TelegramError
  }
  throw new Error('it did not fail')
}
