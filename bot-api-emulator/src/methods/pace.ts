import { floodRefusal } from '#answers.ts'
import type { Clock } from '#clock.ts'

const MINUTE_MS = 60_000

/** Counts new messages per chat over the last minute of the emulator's clock. */
export class Pace {
  readonly #clock: Clock
  readonly #messagesPerMinute: number
  readonly #sentAtMs = new Map<number, number[]>()

  /** 0 messages per minute means no limit. */
  constructor(clock: Clock, messagesPerMinute: number) {
    this.#clock = clock
    this.#messagesPerMinute = messagesPerMinute
  }

  /** Takes room for new messages, or throws ApiRefusal 429 with the wait after which there is room. */
  take(chatId: number, count = 1): void {
    if (this.#messagesPerMinute === 0) return
    const now = this.#clock.now()
    const recent = (this.#sentAtMs.get(chatId) ?? []).filter(atMs => atMs > now - MINUTE_MS)
    this.#sentAtMs.set(chatId, recent)
    const excess = recent.length + Math.min(count, this.#messagesPerMinute) - this.#messagesPerMinute
    const blocking = recent[excess - 1]
    if (blocking !== undefined) throw floodRefusal(Math.ceil((blocking + MINUTE_MS - now) / 1000))
    recent.push(...Array.from({ length: count }, () => now))
  }
}
