import { type Clock, SYSTEM_CLOCK } from '#bot-api/clock.ts'
import { cancelled } from '#telegram-error.ts'

const WINDOW_MS = 60_000

/** One message under way: `done` must be called when its request has ended, however it ended. */
export interface PaceSlot {
  done(): void
}

/** Somebody who wants to send. */
interface Waiter {
  enter(): void
  /** Hears that time must pass, how much, and why; only once. */
  tell(waitMs: number, reason: PaceReason): void
}

/** A minute that is full, or a wait that the server asked for. */
type PaceReason = 'pace' | 'flood'

export interface PaceOptions {
  signal?: AbortSignal | undefined
  onWait?: ((ms: number, reason: PaceReason) => void) | undefined
}

/** A message of the last minute that somebody sent, as the ledger tells. */
export interface EarlierMessage {
  /** Whose it is. */
  run: string
  /** Of no other message in the chat. */
  key: string
  /** How long ago it was sent, in milliseconds. */
  ageMs: number
}

/** More runs are not at work, or were in the last minute, in one chat. */
const RUNS_REMEMBERED = 1000

/**
 * Keeps to N messages in any 60 seconds in one chat; up to N may go in a burst. The server counts a message somewhere
 * between the start and the end of its request, so a slot is only free again 60 s after the request ended. A wait that
 * the server asks for is the chat's, not one message's: nothing else may go meanwhile.
 */
export class ChatPace {
  readonly #limit: number
  readonly #clock: Clock
  /** When the requests of the last minute ended; oldest first. */
  readonly #ended: number[] = []
  /** When others sent theirs, by what tells one from another: several runs of this process hear of the same ones. */
  readonly #others = new Map<string, number>()
  /** That began here, the newest last: what they send is counted as it is sent. */
  readonly #runs = new Set<string>()
  /** In the order of their coming. */
  readonly #waiting: Waiter[] = []
  #underWay = 0
  #heldUntil = Number.NEGATIVE_INFINITY
  #alarm: AbortController | undefined

  /** @param messagesPerMinute 0 or more; 0 means no pace of our own, only what the server says. */
  constructor(messagesPerMinute: number, clock: Clock = SYSTEM_CLOCK) {
    this.#limit = messagesPerMinute === 0 ? Number.POSITIVE_INFINITY : messagesPerMinute
    this.#clock = clock
  }

  /**
   * Resolves in the order of the calls, when a message may be sent; throws `CANCELLED` as soon as the signal fires.
   * Calls `onWait` once if the wait is for time to pass; what it throws is thrown.
   */
  async enter(options: PaceOptions): Promise<PaceSlot> {
    if (options.signal?.aborted) throw cancelled()
    await this.#turn(options)
    let isOpen = true
    return {
      done: () => {
        if (!isOpen) return
        isOpen = false
        this.#underWay--
        if (Number.isFinite(this.#limit)) this.#ended.push(this.#clock.now())
        this.#admit()
      },
    }
  }

  /**
   * Counts messages that others sent to the chat in the last minute, each once, by what was heard of it last. Those of runs that
   * began here before are not among them. What an earlier process sent for `run`, which goes on here, is.
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

  /** Lets nobody in for so long. */
  hold(ms: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, this.#clock.now() + ms)
    this.#admit()
  }

  #turn({ signal, onWait }: PaceOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      let isTold = false
      const leave = (error: unknown): void => {
        signal?.removeEventListener('abort', onAbort)
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
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
      this.#waiting.push(waiter)
      this.#admit()
    })
  }

  /** Lets in whom there is room for, and sets the alarm for the next one. */
  #admit(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      this.#underWay++
      this.#waiting.shift()?.enter()
    }
    this.#alarm?.abort()
    this.#alarm = undefined
    const waitMs = this.#waiting.length > 0 ? this.#untilRoomMs() : undefined
    if (waitMs === undefined) return
    this.#setAlarm(waitMs)
    const reason = this.#clock.now() < this.#heldUntil ? 'flood' : 'pace'
    for (const waiter of [...this.#waiting]) waiter.tell(waitMs, reason)
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
   * Until the hold ends and the oldest of the last minute leaves it, at least 1 ms: time goes on while this is asked.
   * Undefined when only those under way are waited for, who will tell when they are done.
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
