import { STATUS_CODES } from 'node:http'
import { requestWords } from '@telegram-backup/engine/jobs/job-errors.ts'
import { BackupError, redactError } from '@telegram-backup/errors'
import type { ErrorRequestHandler, Response } from 'express'
import { logOf, requestIdOf } from '#http/request-context.ts'

/** The HTTP status of each error code; any other code is an error of this program, 500. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  USAGE: 400,
  INVALID: 400,
  // The body of an upload broke off.
  SOURCE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  // A person has to prove again who they are.
  FACTOR_NEEDED: 403,
  TLS_NEEDED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TIMEOUT: 408,
  CONFLICT: 409,
  BUSY: 409,
  LAST_BACKUP: 409,
  LAST_ADMIN: 409,
  QUEUE_FULL: 409,
  LEASE_LOST: 409,
  CANCELLED: 409,
  LENGTH_NEEDED: 411,
  TOO_LARGE: 413,
  UNSUPPORTED: 415,
  RANGE: 416,
  WRONG_HOST: 421,
  TOO_MANY_REQUESTS: 429,
  // Telegram refused, or returned other bytes than were sent.
  REFUSED: 502,
  TELEGRAM: 502,
  ANSWER_LOST: 502,
  UNPROVEN: 502,
  INTEGRITY: 502,
  CONFIGURATION: 503,
  NO_KEY: 503,
  WRONG_KEY: 503,
  UNREACHABLE: 503,
  CATALOG: 503,
  OVERLOADED: 503,
  // The bucket’s limit.
  FULL: 507,
}

/** For the documentation. */
export function codesByStatus(): [code: string, status: number][] {
  return Object.entries(STATUS_BY_CODE)
}

/** RFC 9457. */
interface Problem {
  type: string
  title: string
  status: number
  detail: string
  /** The id of the request, which is also in the log. */
  instance: string
  code: string
  hint?: string | undefined
}

/** An error as the client gets it. */
export function problemOf(error: unknown, requestId: string): Problem {
  const { code, message, hint } = redactError(error, requestWords)
  const status = (Object.hasOwn(STATUS_BY_CODE, code) ? STATUS_BY_CODE[code] : undefined) ?? 500
  return {
    type: `/docs#${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
    instance: `urn:request:${requestId}`,
    code,
    hint: hintFor(code, hint),
  }
}

/** Answers with a problem, with the fields of `more` in addition. */
export function sendProblem(response: Response, error: unknown, more: object = {}): void {
  const problem = problemOf(error, requestIdOf(response))
  const { status, code } = problem
  if (code === 'OVERLOADED') logOf(response).warn({ error, code }, 'a request was refused: too many at once')
  else if (status >= 500) logOf(response).error({ error, code }, 'a request failed')
  if (status === 503 && !response.hasHeader('Retry-After')) response.set('Retry-After', '5')
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ ...problem, ...more }))
}

const OWN_HINTS: Readonly<Record<string, string>> = {
  QUEUE_FULL:
    'Wait until some have ended, or cancel some with DELETE /jobs/{id}; GET /jobs?state=queued lists them.',
}

/**
 * The hint of an upload’s result is text in the words of the command line: one with an option is left out.
 */
function hintFor(code: string, hint: string | undefined): string | undefined {
  if (Object.hasOwn(OWN_HINTS, code)) return OWN_HINTS[code]
  return hint !== undefined && /(?:^|[\s"])--[a-z]/.test(hint) ? undefined : hint
}

/** The last handler: answers with the error as a problem, or breaks off an answer that has begun. */
export const answerErrors: ErrorRequestHandler = (error, _request, response, _next) => {
  if (!response.headersSent) return sendProblem(response, fromLibraries(error))
  if (!response.destroyed) logOf(response).error({ error }, 'an answer was broken off')
  response.destroy()
}

/** Translates errors of express, which have a status below 500. */
function fromLibraries(error: unknown): unknown {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return error
  const [code, message] = LIBRARY_WORDS[error.status] ?? []
  if (code === undefined || message === undefined) return error
  return new BackupError(message, { code, cause: error })
}

const LIBRARY_WORDS: Readonly<Record<number, [code: string, message: string]>> = {
  400: ['INVALID', 'The request cannot be read: its path or its JSON is malformed'],
  413: ['TOO_LARGE', 'The body is too large'],
  415: ['UNSUPPORTED', 'The encoding or character set of the body is not supported'],
}
