import { floodRefusal } from '#answers.ts'
import type { Clock } from '#clock.ts'
import type { EmulatorLimits } from '#limits.ts'

/** Requests with files of no more than this together are not spaced. */
const UNSPACED_BYTES = 100_000
const CREDIT_MS = 1000
const LONGEST_QUEUE_MS = 5000
const RETRY_AFTER_SECONDS = 60

/**
 * The Bot API server holds uploads of exactly the same size apart (telegram-bot-api Client::on_cmd): by a
 * tenth of a millisecond per kilobyte, 200 to 900 ms, with a second of credit. Off unless the rates are
 * Telegram's.
 */
export class UploadSpacing {
  readonly #clock: Clock
  readonly #isOn: boolean
  readonly #nextMs = new Map<string, number>()

  constructor(clock: Clock, { rates }: Pick<EmulatorLimits, 'rates'>) {
    this.#clock = clock
    this.#isOn = rates === 'telegram'
  }

  /**
   * Milliseconds to hold a request of a bot whose files have this size together.
   * Throws ApiRefusal 429 when the queue of that size is more than five seconds ahead.
   */
  take(botId: number, sizeBytes: number): number {
    if (!this.#isOn || sizeBytes <= UNSPACED_BYTES) return 0
    const key = `${botId}:${sizeBytes}`
    const now = this.#clock.now()
    const last = this.#nextMs.get(key) ?? 0
    if (last > now + LONGEST_QUEUE_MS) throw floodRefusal(RETRY_AFTER_SECONDS)
    const gapMs = Math.min(900, Math.max(200, sizeBytes * 1e-4))
    const next = Math.max(last + gapMs, now - CREDIT_MS)
    this.#nextMs.set(key, next)
    return Math.max(0, next - now)
  }
}
