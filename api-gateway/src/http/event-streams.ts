import type { ApiScope, Database } from '@telegram-backup/database'
import type { Caller } from '@telegram-backup/engine/access/caller.ts'
import { BackupError } from '@telegram-backup/errors'
import type { Request, Response } from 'express'
import { watchCaller } from '#http/caller-watch.ts'
import { Slots } from '#http/slots.ts'

const HEARTBEAT_MS = 15_000
/** For all keys of one process; each is an open connection. */
const STREAMS_AT_ONCE = 1_000
/** A client that leaves this much unread has gone. */
const UNREAD_BYTES = 64 * 1024

/**
 * The streams of one process. They end when the service stops; their clients then connect to another
 * process.
 */
export class OpenStreams {
  readonly #ends = new Set<() => void>()
  readonly #slots = new Slots('streams of events', STREAMS_AT_ONCE)
  #isStopping = false

  get size(): number {
    return this.#ends.size
  }

  /**
   * Adds a stream; returns the function that removes it, to be called once. Throws `OVERLOADED` if there are
   * too many, in all or of that key, and while the service stops.
   */
  add(keyId: string, end: () => void): () => void {
    if (this.#isStopping) {
      throw new BackupError('The service is stopping', {
        code: 'OVERLOADED',
        hint: 'Try again in a moment.',
      })
    }
    const leave = this.#slots.enter(keyId)
    this.#ends.add(end)
    return () => {
      this.#ends.delete(end)
      leave()
    }
  }

  endAll(): void {
    this.#isStopping = true
    for (const end of [...this.#ends]) end()
  }
}

/** Whose stream it is, and what the key must still be allowed while it is open. */
export interface StreamOwner {
  database: Database
  request: Request
  response: Response
  caller: Caller
  scope: ApiScope
  /** The project of what the stream shows; null for what concerns all. */
  project: string | null
}

/**
 * Server-sent events to one client. A comment comes every 15 seconds; the connection is closed when the key
 * may no longer see them.
 */
export class EventStream {
  readonly #response: Response
  readonly #gone = new AbortController()
  readonly #leaving: (() => void)[] = []

  /** Throws `OVERLOADED`; then nothing was sent. */
  constructor({ response, ...owner }: StreamOwner, open: OpenStreams) {
    this.#response = response
    this.#leaving.push(open.add(owner.caller.id, () => this.end()))
    response.once('close', () => this.#leave())
    response.status(200).set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' })
    response.flushHeaders()
    this.#leaving.push(watchCaller({ ...owner, response }))
    const beat = setInterval(() => {
      // A client that still has something to read needs no sign of life.
      if (!response.writableNeedDrain) this.write(': still here\n\n')
    }, HEARTBEAT_MS).unref()
    this.#leaving.push(() => clearInterval(beat))
  }

  /** Fires when the stream has ended or its client has left. */
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  /** Calls the function when the stream has ended, or at once if it has. */
  onLeave(work: () => void): void {
    if (this.#gone.signal.aborted) work()
    else this.#leaving.push(work)
  }

  /** Sends without waiting; closes the connection of a client that does not read. */
  write(text: string): void {
    if (this.#response.writableLength > UNREAD_BYTES) this.#response.destroy()
    else if (!this.#response.destroyed && !this.#response.writableEnded) this.#response.write(text)
  }

  /**
   * Sends, and resolves when the client has room for more, or has left. Closes the connection of a client
   * that reads nothing for `stallMs`.
   */
  async deliver(text: string, stallMs: number): Promise<void> {
    const response = this.#response
    if (this.#gone.signal.aborted || response.write(text)) return
    const { signal } = this
    await new Promise<void>(resolve => {
      const timer = setTimeout(() => response.destroy(), stallMs).unref()
      const done = (): void => {
        clearTimeout(timer)
        response.off('drain', done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      response.once('drain', done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  /** Ends it for the client. */
  end(): void {
    this.#leave()
    if (!this.#response.writableEnded) this.#response.end()
  }

  /** The client must not take this for the end. */
  breakOff(): void {
    this.#response.destroy()
  }

  #leave(): void {
    this.#gone.abort()
    for (const part of this.#leaving.splice(0)) part()
  }
}
