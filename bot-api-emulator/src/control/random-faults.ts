import type { Fault } from '#control/fault.ts'
import { EmulatorError } from '#errors.ts'

/** Faults that meet calls by chance. The same seed and the same order of calls give the same faults. */
export interface RandomFaults {
  /** Any integer; its lower 32 bits count. */
  readonly seed: number
  /** That a call is met: 0 to 1. */
  readonly probability: number
  /**
   * Names of methods, `download`, or `*` (every method, which the file route is not); `*` alone by default.
   */
  readonly methods?: readonly string[]
  /** What may happen, each as likely as the others; naming one twice makes it twice as likely. */
  readonly kinds: readonly Fault[]
  /** The most calls to meet; no limit by default. */
  readonly limit?: number
}

/** One order of random faults, and how far it has come. */
export class RandomFaultSource {
  readonly #methods: ReadonlySet<string>
  readonly #order: RandomFaults
  readonly #chance: () => number
  #left: number

  /** Throws EmulatorError BAD_REQUEST for a seed, probability or limit out of range, or nothing to happen. */
  constructor(order: RandomFaults) {
    const { seed, probability, kinds, methods = ['*'], limit = Number.POSITIVE_INFINITY } = order
    if (!Number.isInteger(seed)) throw refused('seed', 'an integer')
    if (!(probability >= 0 && probability <= 1)) throw refused('probability', 'a number from 0 to 1')
    if (kinds.length === 0) throw refused('kinds', 'a list of one fault or more')
    if (!(limit >= 0)) throw refused('limit', 'a number from 0')
    this.#order = order
    this.#methods = new Set(methods.map(method => method.toLowerCase()))
    this.#chance = chancesOf(seed)
    this.#left = limit
  }

  /** What happens to the next call of this method, by its lower-case name. */
  next(method: string): Fault | undefined {
    const isNamed = this.#methods.has(method) || (this.#methods.has('*') && method !== 'download')
    if (!isNamed) return undefined
    // Both are drawn for every call, so that a change of the probability leaves the kinds as they were.
    const isMet = this.#chance() < this.#order.probability
    const kind = this.#order.kinds[Math.floor(this.#chance() * this.#order.kinds.length)]
    if (!isMet || this.#left <= 0) return undefined
    this.#left--
    return kind
  }
}

/** Numbers from 0 to below 1 that follow from the seed (the generator known as mulberry32). */
function chancesOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function refused(name: string, wanted: string): EmulatorError {
  return new EmulatorError(`"${name}" must be ${wanted}.`, { code: 'BAD_REQUEST' })
}
