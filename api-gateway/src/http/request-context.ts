import { randomUUID } from 'node:crypto'
import type { Caller } from '@telegram-backup/engine/access/caller.ts'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import type { RequestObserver } from '@telegram-backup/engine/monitoring/metrics.ts'
import type { Request, RequestHandler, Response } from 'express'

/** The facts about a request that its handlers share. */
interface RequestContext {
  requestId: string
  log: Logger
  /** As in the table of routes; the path itself may hold anything. */
  route?: string
  caller?: Caller
  /** The id of the key of a door. */
  doorKeyId?: string
  /** No line in the log: {@link WrongKeys} counts such requests. */
  isCountedElsewhere?: boolean
}

const contexts = new WeakMap<Response, RequestContext>()

function contextOf(response: Response): RequestContext {
  const context = contexts.get(response)
  if (context === undefined) throw new TypeError('The request has no context')
  return context
}

/** The id in the log, in problems, and in `X-Request-Id`. */
export function requestIdOf(response: Response): string {
  return contextOf(response).requestId
}

/** A log whose lines carry the request's id. */
export function logOf(response: Response): Logger {
  return contextOf(response).log
}

/** Who sent the request, after its authentication. */
export function callerOf(response: Response): Caller {
  const { caller } = contextOf(response)
  if (caller === undefined) throw new TypeError('The request is not authenticated yet')
  return caller
}

export function note(
  response: Response,
  found: Pick<RequestContext, 'route' | 'caller' | 'doorKeyId' | 'isCountedElsewhere'>,
): void {
  Object.assign(contextOf(response), found)
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/
/** How long a client may still send after its answer. */
const LINGER_MS = 2_000

/** The first handler: gives each request an id, and a line in the log when it has ended. */
export function openContext(log: Logger, observe?: RequestObserver): RequestHandler {
  return (request, response, next) => {
    const given = request.get('X-Request-Id')
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID()
    contexts.set(response, { requestId, log: log.child({ request_id: requestId }) })
    response.set('X-Request-Id', requestId)
    const since = performance.now()
    response.once('close', () => {
      const { log: own, route = 'unknown', caller, doorKeyId, isCountedElsewhere } = contextOf(response)
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
          key_id: caller?.kind === 'key' ? caller.id : undefined,
          door_key_id: doorKeyId,
          person_id: caller?.kind === 'person' ? caller.id : undefined,
          broken_off: response.writableFinished ? undefined : true,
        },
        'request',
      )
    })
    next()
  }
}

/**
 * Reads the rest of a body for a moment before it closes the connection: a reset could overtake the answer.
 */
function lingerThenClose(request: Request): void {
  if (request.complete || request.destroyed) return
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS)
  timer.unref()
  request.once('close', () => clearTimeout(timer))
}
