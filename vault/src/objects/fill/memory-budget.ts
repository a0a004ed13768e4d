import { cancelled } from '#session/session.ts'

/** Bytes of the budget that one caller holds. */
export interface Reservation {
  readonly bytes: number
  /** Gives back what is over `bytes`; never takes more. */
  shrinkTo(bytes: number): void
  /** May be called twice. */
  release(): void
}

interface Waiter {
  bytes: number
  enter(reservation: Reservation): void
}

/**
 * Bounds the bytes that are in memory at once. Callers enter in the order in which they came, so a large one
 * is not passed over for ever by small ones.
 */
export class MemoryBudget {
  readonly #limitBytes: number
  readonly #waiting: Waiter[] = []
  #usedBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Whether so many bytes could be had at once. */
  hasRoomFor(bytes: number): boolean {
    return !this.isWaitedFor && this.#usedBytes + Math.min(bytes, this.#limitBytes) <= this.#limitBytes
  }

  get isWaitedFor(): boolean {
    return this.#waiting.length > 0
  }

  /** More than the limit counts as the limit: the caller is then alone. Throws `CANCELLED`. */
  async reserve(bytes: number, signal: AbortSignal): Promise<Reservation> {
    if (signal.aborted) throw cancelled()
    const wanted = Math.min(bytes, this.#limitBytes)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(cancelled())
        this.#admit()
      }
      const waiter: Waiter = {
        bytes: wanted,
        enter: reservation => {
          signal.removeEventListener('abort', onAbort)
          resolve(reservation)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(waiter)
      this.#admit()
    })
  }

  #admit(): void {
    for (;;) {
      const next = this.#waiting[0]
      if (next === undefined || this.#usedBytes + next.bytes > this.#limitBytes) return
      this.#waiting.shift()
      this.#usedBytes += next.bytes
      next.enter(this.#reservationOf(next.bytes))
    }
  }

  #reservationOf(reserved: number): Reservation {
    let bytes = reserved
    const shrinkTo = (to: number): void => {
      if (to >= bytes) return
      this.#usedBytes -= bytes - to
      bytes = to
      this.#admit()
    }
    return {
      get bytes() {
        return bytes
      },
      shrinkTo,
      release: () => shrinkTo(0),
    }
  }
}
