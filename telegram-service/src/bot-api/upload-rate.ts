import { type Clock, SYSTEM_CLOCK } from '#bot-api/clock.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

const MIN_BYTES_PER_SECOND = 1024
const MAX_PIECE_BYTES = 64 * 1024
/** Pieces a second at low rates, for an even use of the line. */
const PIECES_PER_SECOND = 8
/** Lateness that is made up for: timers fire late, and the average must not suffer. */
const CREDIT_MS = 100

/**
 * A limit on all uploads that share it: in t seconds at most `bytesPerSecond` × (t + 0.1) bytes and one
 * piece. Pieces go in the order of the requests, so parallel uploads get equal shares.
 */
export class UploadRate {
  /** Largest request, from 1024 to 65,536 bytes. */
  readonly pieceBytes: number
  readonly #bytesPerMs: number
  readonly #clock: Clock
  /** When all granted bytes will be out. */
  #busyUntil = Number.NEGATIVE_INFINITY

  /** @param bytesPerSecond from 1024; else throws `CONFIGURATION` */
  constructor(bytesPerSecond: number, clock: Clock = SYSTEM_CLOCK) {
    if (!Number.isFinite(bytesPerSecond) || bytesPerSecond < MIN_BYTES_PER_SECOND) {
      throw new TelegramError('The limit of the upload rate is not a number from 1024', {
        code: 'CONFIGURATION',
        hint: 'Give it in bytes per second; leave it out to upload as fast as the line allows.',
      })
    }
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#clock = clock
    this.pieceBytes = Math.min(
      MAX_PIECE_BYTES,
      Math.max(MIN_BYTES_PER_SECOND, Math.floor(bytesPerSecond / PIECES_PER_SECOND)),
    )
  }

  /** Resolves when these bytes may go. Throws `CANCELLED`; they count as gone all the same. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    const turn = Math.max(this.#busyUntil, now - CREDIT_MS)
    this.#busyUntil = turn + bytes / this.#bytesPerMs
    if (turn > now && !signal.aborted) await this.#clock.sleep(turn - now, signal)
    if (signal.aborted) throw cancelled()
  }
}
