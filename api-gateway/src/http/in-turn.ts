import type { Socket } from 'node:net'
import type { RequestHandler } from 'express'

/** Requests of one connection that wait at once; nobody but an attacker has so many. */
const MOST_WAITING = 32

/**
 * Requests that come on one connection before the earlier ones have their answers wait until they have: until it is its turn,
 * an answer is not told that its client goes away, and whatever was begun for it would go on for ever. A connection on which
 * too many wait is ended.
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
      // An answer cannot be ended in the moment in which it gets its connection.
      setImmediate(next)
    })
  }
}
