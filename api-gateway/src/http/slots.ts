import { BackupError } from '@telegram-backup/errors'

/** How many of so many one API key may take: what is left is for the others. */
function shareOfOneKey(size: number): number {
  return Math.max(1, Math.floor((size * 3) / 4))
}

/** A bound for what is at work at once in this process, and for what one API key has at work. */
export class Slots {
  readonly #noun: string
  readonly #size: number
  /** By the id of the key; nobody is in it with none. */
  readonly #taken = new Map<string, number>()

  constructor(noun: string, size: number) {
    this.#noun = noun
    this.#size = size
  }

  /** Does the work in a slot, or in so many. Throws `OVERLOADED` when there are none: whoever waited here would hold a connection. */
  async use<Result>(keyId: string, work: () => Promise<Result>, weight = 1): Promise<Result> {
    const leave = this.enter(keyId, weight)
    try {
      return await work()
    } finally {
      leave()
    }
  }

  /** Takes a slot, or so many, and returns how to give it back, which is to be done once. Throws `OVERLOADED` when there is none. */
  enter(keyId: string, weight = 1): () => void {
    const own = this.#taken.get(keyId) ?? 0
    if (this.#all() + weight > this.#size) {
      throw overloaded(
        `${this.#all()} ${this.#noun} are under way here, of ${this.#size} at once`,
        'Try again in a moment.',
      )
    }
    const share = shareOfOneKey(this.#size)
    // The first one of a key, however heavy, is more than none.
    if (own > 0 && own + weight > share) {
      throw overloaded(
        `${own} ${this.#noun} of this key are under way here; the rest is for other keys`,
        'Try again when one of them has ended.',
      )
    }
    this.#taken.set(keyId, own + weight)
    return () => {
      const left = (this.#taken.get(keyId) ?? weight) - weight
      if (left === 0) this.#taken.delete(keyId)
      else this.#taken.set(keyId, left)
    }
  }

  #all(): number {
    return this.#taken.values().reduce((sum, count) => sum + count, 0)
  }
}

function overloaded(message: string, hint: string): BackupError {
  return new BackupError(message, { code: 'OVERLOADED', hint })
}
