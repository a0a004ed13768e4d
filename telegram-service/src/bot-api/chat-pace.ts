import { setTimeout as sleepMs } from 'node:timers/promises'
import { cancelled } from '#telegram-error.ts'

const WINDOW_MS = 60_000

/** Time as the pace sees it, in milliseconds from any start. `sleep` may end early when the signal fires. */
export interface PaceClock {
  now(): number
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>
}

const SYSTEM_CLOCK: PaceClock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleepMs(ms, undefined, signal ? { signal } : {}).catch(() => {}),
}

/** One message under way: `done` must be called when its request has ended, however it ended. */
export interface PaceSlot {
  done(): void
}

/**
 * Keeps to N messages in any 60 seconds in one chat; up to N may go in a burst. The server counts a message somewhere
 * between the start and the end of its request, so a slot is only free again 60 s after the request ended.
 */
export class ChatPace {
  readonly #messagesPerMinute: number
  readonly #clock: PaceClock
  readonly #ended: number[] = []
  #underWay = 0
  #queue: Promise<void> = Promise.resolve()

  /** @param messagesPerMinute 0 or more; 0 means no pace of our own, only what the server says. */
  constructor(messagesPerMinute: number, clock: PaceClock = SYSTEM_CLOCK) {
    this.#messagesPerMinute = messagesPerMinute
    this.#clock = clock
  }

  /** Resolves in the order of the calls, when a message may be sent. Calls `onWait` once if that is not now. */
  async enter(options: {
    signal?: AbortSignal | undefined
    onWait?: ((ms: number) => void) | undefined
  }): Promise<PaceSlot> {
    if (this.#messagesPerMinute === 0) return { done: () => {} }
    const turn = this.#queue.then(() => this.#waitForSlot(options))
    this.#queue = turn.then(
      () => {},
      () => {},
    )
    await turn
    let open = true
    return {
      done: () => {
        if (!open) return
        open = false
        this.#underWay--
        this.#ended.push(this.#clock.now())
      },
    }
  }

  async #waitForSlot(options: {
    signal?: AbortSignal | undefined
    onWait?: ((ms: number) => void) | undefined
  }): Promise<void> {
    let told = false
    for (;;) {
      if (options.signal?.aborted) throw cancelled()
      const now = this.#clock.now()
      while (this.#ended.length > 0 && now - (this.#ended[0] as number) >= WINDOW_MS) this.#ended.shift()
      if (this.#underWay + this.#ended.length < this.#messagesPerMinute) {
        this.#underWay++
        return
      }
      const oldest = this.#ended[0]
      const waitMs = oldest === undefined ? 50 : Math.max(1, oldest + WINDOW_MS - now)
      if (!told && oldest !== undefined) {
        told = true
        options.onWait?.(waitMs)
      }
      await this.#clock.sleep(waitMs, options.signal)
    }
  }
}
