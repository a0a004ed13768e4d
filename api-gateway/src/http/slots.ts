import { BackupError } from '@telegram-backup/errors'

/** The share of one API key: the rest is for the other keys. */
const KEY_SHARE = 3 / 4

/** Limits what is in use at once in this process, and by one API key. */
export class Slots {
  readonly #noun: string
  readonly #size: number
  /** Slots in use, by the id of the key. */
  readonly #taken = new Map<string, number>()

  constructor(noun: string, size: number) {
    this.#noun = noun
    this.#size = size
  }

  /** Runs the work in a slot, or in `weight` slots. Throws `OVERLOADED`; it does not wait for a slot. */
  async use<Result>(keyId: string, work: () => Promise<Result>, weight = 1): Promise<Result> {
    const leave = this.enter(keyId, weight)
    try {
      return await work()
    } finally {
      leave()
    }
  }

  /** Takes slots and returns the function that gives them back; call it once. Throws `OVERLOADED`. */
  enter(keyId: string, weight = 1): () => void {
    const all = this.#taken.values().reduce((sum, count) => sum + count, 0)
    const own = this.#taken.get(keyId) ?? 0
    if (all + weight > this.#size) {
      throw new BackupError(`${all} of ${this.#size} ${this.#noun} are in use here`, {
        code: 'OVERLOADED',
        hint: 'Try again in a moment.',
      })
    }
    // A key may always have one, whatever its weight.
    if (own > 0 && own + weight > Math.max(1, Math.floor(this.#size * KEY_SHARE))) {
      throw new BackupError(`You use ${own} ${this.#noun} here; the rest is for others`, {
        code: 'OVERLOADED',
        hint: 'Try again when one of them has ended.',
      })
    }
    this.#taken.set(keyId, own + weight)
    return () => {
      const left = (this.#taken.get(keyId) ?? weight) - weight
      if (left === 0) this.#taken.delete(keyId)
      else this.#taken.set(keyId, left)
    }
  }
}
