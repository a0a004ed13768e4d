import type { RequestHandler } from 'express'

/**
 * An answer that is complete and of which the client takes nothing for so long is given up with its connection: it would be held
 * in memory for as long as the client likes.
 */
export function dropUnread(withinMs: number): RequestHandler {
  return (_request, response, next) => {
    // Node sets its own time when the last byte has gone, and none when the next request comes.
    response.once('prefinish', () => response.socket?.setTimeout(withinMs))
    next()
  }
}
