import type { Socket } from 'node:net'
import { BackupError } from '@telegram-backup/errors'
import type { RequestHandler } from 'express'

/** Requests of one connection that may wait at once; only an attacker sends more. */
const MOST_WAITING = 32

/**
 * Makes pipelined requests wait until the earlier requests of their connection are answered. Before its turn,
 * a response does not notice that its client has left, so the work for it would never be stopped.
 */
export function inTurn(): RequestHandler {
  const waiting = new WeakMap<Socket, number>()
  return (request, response, next) => {
    if (response.socket !== null) return next()
    const { socket } = request
    const count = (waiting.get(socket) ?? 0) + 1
    if (count > MOST_WAITING) return void socket.destroy()
    waiting.set(socket, count)
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
      // A response cannot be ended in the same tick in which it gets its connection.
      setImmediate(next)
    })
  }
}

/** Node keeps the first of several such headers. A proxy in front may have checked another one. */
const ONCE = ['host', 'authorization', 'content-type'] as const

/** Throws `INVALID` for a request without `Host`, or with two different headers of the same name. */
export const refuseAmbiguous: RequestHandler = (request, _response, next) => {
  const { headersDistinct, httpVersion } = request
  if (headersDistinct['host'] === undefined && httpVersion === '1.1') {
    throw new BackupError('The request has no header host', { code: 'INVALID' })
  }
  const twice = ONCE.find(name => (headersDistinct[name]?.length ?? 0) > 1)
  if (twice === undefined) return next()
  throw new BackupError(`The request has the header ${twice} twice`, { code: 'INVALID' })
}

/**
 * Closes a connection whose client reads nothing of a complete answer for that long: the answer fills
 * memory.
 */
export function dropUnread(withinMs: number): RequestHandler {
  return (_request, response, next) => {
    // Node sets its own timeout after the last byte, and none when the next request comes.
    response.once('prefinish', () => response.socket?.setTimeout(withinMs))
    next()
  }
}
