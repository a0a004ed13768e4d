/** Tells the time in milliseconds since 1970. */
export interface Clock {
  now(): number
}

/** The clock of the machine. */
export const SYSTEM_CLOCK: Clock = { now: () => Date.now() }

/**
 * The emulator's clock: another clock, moved forward on request.
 * Ages, lifetimes and pacing follow it; timers (long polls, delays) follow real time.
 */
export class ShiftableClock implements Clock {
  readonly #base: Clock
  #offsetMs = 0

  constructor(base: Clock) {
    this.#base = base
  }

  now(): number {
    return this.#base.now() + this.#offsetMs
  }

  /** Unix time in whole seconds, as the Bot API writes dates. */
  nowSeconds(): number {
    return Math.floor(this.now() / 1000)
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  set offsetMs(offsetMs: number) {
    this.#offsetMs = offsetMs
  }
}
