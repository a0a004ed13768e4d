import type { RequestHandler, Response } from 'express'
import { Slots } from '#http/slots.ts'

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

const KIB = 1024
/** What all of them may take in this process. */
const MOST_KIB = 64 * KIB

/** A bound for the memory of answers that are on their way: whoever asks on a thousand connections and reads none fills it. */
export class AnswersUnderWay {
  readonly #slots = new Slots('KiB of answers', MOST_KIB)

  /**
   * Sends JSON; it counts until the client has taken it, or is gone. Throws `OVERLOADED`, with nothing sent, while too much is under
   * way, in all or to that key. One that is larger than all of them may be goes out alone.
   */
  sendJson(response: Response, keyId: string, body: unknown): void {
    const bytes = Buffer.from(JSON.stringify(body))
    const leave = this.#slots.enter(keyId, Math.min(Math.ceil(bytes.length / KIB), MOST_KIB))
    response.once('close', leave)
    response.type('application/json').send(bytes)
  }
}
