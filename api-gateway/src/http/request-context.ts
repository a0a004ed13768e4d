import { randomUUID } from 'node:crypto'
import type { ApiKey } from '@telegram-backup/database'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import type { RequestObserver } from '@telegram-backup/engine/monitoring/metrics.ts'
import type { Request, RequestHandler, Response } from 'express'

/** What is known of a request on its way. */
interface RequestContext {
  requestId: string
  log: Logger
  /** As the table of routes has it; the path itself may hold anything. */
  route?: string
  caller?: ApiKey
  /** It has no line of its own in the log: somebody counts such requests. */
  isCountedElsewhere?: boolean
}

const contexts = new WeakMap<Response, RequestContext>()

function contextOf(response: Response): RequestContext {
  const context = contexts.get(response)
  if (context === undefined) throw new TypeError('A request came in past the door')
  return context
}

/** The id that stands in the log, in problems, and in `X-Request-Id`. */
export function requestIdOf(response: Response): string {
  return contextOf(response).requestId
}

/** A log whose lines carry the request's id. */
export function logOf(response: Response): Logger {
  return contextOf(response).log
}

/** Whose key it came with, once that is known. */
export function callerOf(response: Response): ApiKey {
  const { caller } = contextOf(response)
  if (caller === undefined) throw new TypeError('Nobody has asked who it is yet')
  return caller
}

/** Notes what was found out on the way. */
export function note(
  response: Response,
  found: Pick<RequestContext, 'route' | 'caller' | 'isCountedElsewhere'>,
): void {
  Object.assign(contextOf(response), found)
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/
/** How long a client that still sends may go on after it has its answer, so that it can read it. */
const LINGER_MS = 2_000

/** First of all: gives each request its id, a line in the log when it has ended, and an end. */
export function openContext(log: Logger, observe?: RequestObserver): RequestHandler {
  return (request, response, next) => {
    const given = request.get('X-Request-Id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    contexts.set(response, { requestId, log: log.child({ request_id: requestId }) })
    response.set('X-Request-Id', requestId)
    const since = performance.now()
    response.once('close', () => {
      const { log: own, route = 'unknown', caller, isCountedElsewhere } = contextOf(response)
      const seconds = (performance.now() - since) / 1000
      const status = response.statusCode
      observe?.({ method: request.method, route, status, seconds })
      lingerThenClose(request)
      if (isCountedElsewhere) return
      own.info(
        {
          method: request.method,
          // Never the query or headers: people put keys there by mistake.
          path: request.path.slice(0, 200),
          route,
          status,
          seconds: Math.round(seconds * 1000) / 1000,
          address: request.ip,
          ...(caller && { key_id: caller.id }),
          ...(response.writableFinished ? {} : { broken_off: true }),
        },
        'request',
      )
    })
    next()
  }
}

/** What is still coming when the answer is out is read for a moment, since a reset could overtake the answer; then it ends. */
function lingerThenClose(request: Request): void {
  if (request.complete || request.destroyed) return
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS)
  timer.unref()
  request.once('close', () => clearTimeout(timer))
}

/** A signal that fires when the client goes away before it has its answer. */
export function goneAway(response: Response): { signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort()
  }
  response.once('close', onClose)
  if (response.destroyed) controller.abort()
  return { signal: controller.signal, end: () => void response.off('close', onClose) }
}
