import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { MemoryStore } from 'express-rate-limit'
import type { GoodKeys } from '#http/good-keys.ts'

const WINDOW_MS = 60_000
/** Answered at once, a client that guesses comes back at once. */
const HOLD_MS = 1_000
/** Refusals that wait in this process; each holds a connection and little more. */
const MOST_HELD = 1_000

/**
 * What becomes of a request whose address has sent too many wrong keys: `good`: its key is one all the same; `refuse`: it has waited, and is
 * told for how long not to come back; `close`: too many wait already.
 */
export type Verdict = { is: 'good' } | { is: 'refuse'; secondsLeft: number } | { is: 'close' }

/**
 * Wrong keys, by address. After too many of them within a minute, whoever comes from there is judged without a question to the catalog
 * of its own, and refused a second late. Tells the log once a minute how many that were.
 */
export class WrongKeys {
  readonly #store = new MemoryStore()
  readonly #limit: number
  readonly #keys: GoodKeys
  readonly #log: Pick<Logger, 'warn'>
  #held = 0
  #told: { refused: number; closed: number; addresses: Set<string>; timer: NodeJS.Timeout } | undefined

  constructor(of: { limit: number; keys: GoodKeys; log: Pick<Logger, 'warn'> }) {
    this.#limit = of.limit
    this.#keys = of.keys
    this.#log = of.log
    // The store asks for no more of its options than the window.
    this.#store.init({ windowMs: WINDOW_MS } as Parameters<MemoryStore['init']>[0])
  }

  /** Counts one more of that address. */
  async count(address: string): Promise<void> {
    await this.#store.increment(address)
  }

  /** Whether an address has sent so many that one more would be too many. */
  async areTooMany(address: string): Promise<boolean> {
    return (await this.#secondsLeft(address)) > 0
  }

  /** Until the minute of an address that has sent too many is over; 0 for any other. */
  async #secondsLeft(address: string): Promise<number> {
    const counted = await this.#store.get(address)
    if (counted === undefined || counted.totalHits < this.#limit) return 0
    // The store goes on telling of a minute that is over until the address sends another one.
    return Math.max(0, Math.ceil(((counted.resetTime?.getTime() ?? 0) - Date.now()) / 1_000))
  }

  /** Judges one more request of an address that has sent too many wrong keys. `key` is undefined for what has the form of none. */
  async judge(address: string, key: string | undefined): Promise<Verdict> {
    if (key !== undefined && this.#keys.has(key)) return { is: 'good' }
    if (this.#held >= MOST_HELD) {
      this.#note(address, 'closed')
      return { is: 'close' }
    }
    const since = performance.now()
    this.#held += 1
    try {
      await sleep(HOLD_MS, undefined, { ref: false })
      // A key may have been made a moment ago.
      if (key !== undefined && (await this.#keys.isGoodSince(key, since))) return { is: 'good' }
    } finally {
      this.#held -= 1
    }
    this.#note(address, 'refused')
    return { is: 'refuse', secondsLeft: Math.max(1, await this.#secondsLeft(address)) }
  }

  close(): void {
    this.#store.shutdown()
    clearTimeout(this.#told?.timer)
    this.#tell()
  }

  #note(address: string, what: 'refused' | 'closed'): void {
    this.#told ??= {
      refused: 0,
      closed: 0,
      addresses: new Set(),
      timer: setTimeout(() => this.#tell(), WINDOW_MS).unref(),
    }
    this.#told[what] += 1
    if (this.#told.addresses.size < 10) this.#told.addresses.add(address)
  }

  #tell(): void {
    if (this.#told === undefined) return
    const { refused, closed, addresses } = this.#told
    this.#told = undefined
    this.#log.warn(
      { refused, closed, addresses: [...addresses] },
      'addresses that had sent too many wrong keys were refused within a minute',
    )
  }
}
