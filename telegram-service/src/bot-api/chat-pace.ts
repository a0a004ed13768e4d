import { type Clock, SYSTEM_CLOCK } from '#bot-api/clock.ts'
import { FairQueue } from '#bot-api/fair-queue.ts'
import { cancelled } from '#telegram-error.ts'

const WINDOW_MS = 60_000

/** One message under way: one of both must be called, when its request has ended. */
export interface PaceSlot {
  done(): void
  /** No request was made: the slot counts for nothing. */
  release(): void
}

interface Waiter {
  enter(): void
  tell(waitMs: number, reason: PaceReason): void
}

/** A full minute, or a wait that the server asked for. */
type PaceReason = 'pace' | 'flood'

export interface PaceOptions {
  /** Who sends: turns go round between the flows that wait. Default: one flow for all that name none. */
  flow?: string | undefined
  signal?: AbortSignal | undefined
  onWait?: ((ms: number, reason: PaceReason) => void) | undefined
}

/** A message of the last minute in the ledger. */
export interface EarlierMessage {
  run: string
  key: string
  ageMs: number
}

/** More runs are never active in one chat within a minute. */
const RUNS_REMEMBERED = 1000

/**
 * Allows N messages in any 60 seconds in one chat, also in a burst. The server counts a message between the
 * start and the end of its request, so a slot is free 60 s after the end. A wait that the server asks for
 * holds for the whole chat. While several flows wait, they get one message each in turn.
 */
export class ChatPace {
  readonly #limit: number
  readonly #clock: Clock
  /** Ends of the requests of the last minute, oldest first. */
  readonly #ended: number[] = []
  /** Messages of others by key, since several runs of this process read the same ones. */
  readonly #others = new Map<string, number>()
  /** Runs of this process, newest last: their messages are counted when they are sent. */
  readonly #runs = new Set<string>()
  readonly #waiting = new FairQueue<Waiter>()
  #underWay = 0
  #heldUntil = Number.NEGATIVE_INFINITY
  #alarm: AbortController | undefined

  /** @param messagesPerMinute 0 means no pace of our own, only what the server says */
  constructor(messagesPerMinute: number, clock: Clock = SYSTEM_CLOCK) {
    this.#limit = messagesPerMinute === 0 ? Number.POSITIVE_INFINITY : messagesPerMinute
    this.#clock = clock
  }

  /** Resolves, in order of the calls of its flow, when a message may be sent. Throws `CANCELLED`. */
  async enter(options: PaceOptions): Promise<PaceSlot> {
    if (options.signal?.aborted) throw cancelled()
    await this.#turn(options)
    let isOpen = true
    const close = (wasUsed: boolean): void => {
      if (!isOpen) return
      isOpen = false
      this.#underWay--
      if (wasUsed && Number.isFinite(this.#limit)) this.#ended.push(this.#clock.now())
      this.#admit()
    }
    return { done: () => close(true), release: () => close(false) }
  }

  /** Whether a message could go at once, and none waits: what can wait may be sent now. */
  isIdle(): boolean {
    return this.#waiting.size === 0 && this.#hasRoom()
  }

  /**
   * Counts messages of the last minute that other processes sent, each once, and what an earlier process sent
   * for `run`, which goes on here. Runs that began here are left out.
   */
  countEarlier({ run, earlier }: { run: string; earlier: readonly EarlierMessage[] }): void {
    if (!Number.isFinite(this.#limit)) return
    const now = this.#clock.now()
    for (const one of earlier) {
      if (!this.#runs.has(one.run)) this.#others.set(one.key, now - Math.max(0, one.ageMs))
    }
    const isAtWork = earlier.map(one => one.run).filter(one => this.#runs.has(one))
    for (const one of [...isAtWork, run]) {
      this.#runs.delete(one)
      this.#runs.add(one)
    }
    for (const oldest of this.#runs) {
      if (this.#runs.size <= RUNS_REMEMBERED) break
      this.#runs.delete(oldest)
    }
  }

  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#clock.now() + ms)
    this.#admit()
  }

  #turn({ flow = '', signal, onWait }: PaceOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      let isTold = false
      const leave = (error: unknown): void => {
        signal?.removeEventListener('abort', onAbort)
        this.#waiting.remove(flow, waiter)
        reject(error)
        this.#admit()
      }
      const onAbort = (): void => leave(cancelled())
      const waiter: Waiter = {
        enter: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        tell: (waitMs, reason) => {
          if (isTold) return
          isTold = true
          try {
            onWait?.(waitMs, reason)
          } catch (error) {
            leave(error)
          }
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(flow, waiter)
      this.#admit()
    })
  }

  /** Admits waiters as there is room, and sets the alarm for the next one. */
  #admit(): void {
    while (this.#waiting.size > 0 && this.#hasRoom()) {
      this.#underWay++
      this.#waiting.next()?.enter()
    }
    this.#alarm?.abort()
    this.#alarm = undefined
    const waitMs = this.#waiting.size > 0 ? this.#untilRoomMs() : undefined
    if (waitMs === undefined) return
    this.#setAlarm(waitMs)
    const reason = this.#clock.now() < this.#heldUntil ? 'flood' : 'pace'
    for (const waiter of this.#waiting.all()) waiter.tell(waitMs, reason)
  }

  #setAlarm(waitMs: number): void {
    const alarm = new AbortController()
    this.#alarm = alarm
    void this.#clock.sleep(waitMs, alarm.signal).then(() => {
      if (!alarm.signal.aborted) this.#admit()
    })
  }

  #hasRoom(): boolean {
    const now = this.#clock.now()
    while (this.#ended[0] !== undefined && now - this.#ended[0] >= WINDOW_MS) this.#ended.shift()
    for (const [key, sentAt] of this.#others) if (now - sentAt >= WINDOW_MS) this.#others.delete(key)
    return now >= this.#heldUntil && !this.#isFull()
  }

  #isFull(): boolean {
    return this.#underWay + this.#ended.length + this.#others.size >= this.#limit
  }

  /**
   * Until the hold ends and the oldest message leaves the minute, at least 1 ms. Undefined when only messages
   * under way are waited for, whose end calls `#admit`.
   */
  #untilRoomMs(): number | undefined {
    const now = this.#clock.now()
    const isFull = this.#isFull()
    const oldest = isFull
      ? Math.min(...this.#others.values(), this.#ended[0] ?? Number.POSITIVE_INFINITY)
      : now
    if (oldest === Number.POSITIVE_INFINITY && now >= this.#heldUntil) return undefined
    const roomAt = isFull && Number.isFinite(oldest) ? oldest + WINDOW_MS : now
    const until = Math.max(this.#heldUntil, roomAt)
    return Math.max(1, until - now)
  }
}
