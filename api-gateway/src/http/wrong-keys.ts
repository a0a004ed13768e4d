import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '@telegram-backup/engine/logging.ts'
import { MemoryStore } from 'express-rate-limit'
import type { GoodKeys } from '#http/good-keys.ts'

const WINDOW_MS = 60_000
/** A refusal waits this long, so that a client cannot guess fast. */
const HOLD_MS = 1_000
/** Refusals that may wait at once in this process. */
const MOST_HELD = 1_000

/** A request from an address with too many wrong keys. close: too many such requests already wait. */
export type Verdict = { is: 'good' } | { is: 'refuse'; secondsLeft: number } | { is: 'close' }

/**
 * Counts wrong keys by address. After too many within a minute, it judges requests from that address without
 * a query for each, and refuses them after a second. The log gets the number of refusals once a minute.
 */
export class WrongKeys {
  readonly #store = new MemoryStore()
  readonly #limit: number
  readonly #keys: GoodKeys
  readonly #log: Pick<Logger, 'warn'>
  #held = 0
  #summary: { refused: number; closed: number; addresses: Set<string>; timer: NodeJS.Timeout } | undefined

  constructor(of: { limit: number; keys: GoodKeys; log: Pick<Logger, 'warn'> }) {
    this.#limit = of.limit
    this.#keys = of.keys
    this.#log = of.log
    // The store reads only the window.
    this.#store.init({ windowMs: WINDOW_MS } as Parameters<MemoryStore['init']>[0])
  }

  async count(address: string): Promise<void> {
    await this.#store.increment(address)
  }

  async areTooMany(address: string): Promise<boolean> {
    return (await this.#secondsLeft(address)) > 0
  }

  /** Seconds until the address may try again; 0 if it has not sent too many. */
  async #secondsLeft(address: string): Promise<number> {
    const counted = await this.#store.get(address)
    if (counted === undefined || counted.totalHits < this.#limit) return 0
    // The store keeps a minute that is over until the address sends another wrong key.
    return Math.max(0, Math.ceil(((counted.resetTime?.getTime() ?? 0) - Date.now()) / 1_000))
  }

  /** Judges a request from such an address. @param key undefined if the request has none of the right form */
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
      // The key may have been created a moment ago.
      if (key !== undefined && (await this.#keys.isGoodSince(key, since))) return { is: 'good' }
    } finally {
      this.#held -= 1
    }
    this.#note(address, 'refused')
    return { is: 'refuse', secondsLeft: Math.max(1, await this.#secondsLeft(address)) }
  }

  close(): void {
    this.#store.shutdown()
    clearTimeout(this.#summary?.timer)
    this.#writeSummary()
  }

  #note(address: string, what: 'refused' | 'closed'): void {
    this.#summary ??= {
      refused: 0,
      closed: 0,
      addresses: new Set(),
      timer: setTimeout(() => this.#writeSummary(), WINDOW_MS).unref(),
    }
    this.#summary[what] += 1
    if (this.#summary.addresses.size < 10) this.#summary.addresses.add(address)
  }

  #writeSummary(): void {
    if (this.#summary === undefined) return
    const { refused, closed, addresses } = this.#summary
    this.#summary = undefined
    this.#log.warn(
      { refused, closed, addresses: [...addresses] },
      'addresses that had sent too many wrong keys were refused within a minute',
    )
  }
}
