import { MemoryBudget } from '#objects/fill/memory-budget.ts'

/**
 * Bounds what the clients of one bucket hold at once of something that all buckets share: clients may send
 * as slowly as they like, and must not stop other buckets.
 */
export class BucketShares {
  readonly #most: number
  /** By the id of the bucket; `callers` hold a part of the share, or wait for one. */
  readonly #shares = new Map<string, { budget: MemoryBudget; callers: number }>()

  constructor(most: number) {
    this.#most = most
  }

  /** Waits for room in the share of the bucket; `release` may be called twice. Throws `CANCELLED`. */
  async reserve(bucketId: string, of: { amount: number; signal: AbortSignal }): Promise<{ release(): void }> {
    const share = this.#shares.get(bucketId) ?? { budget: new MemoryBudget(this.#most), callers: 0 }
    this.#shares.set(bucketId, share)
    share.callers++
    let isHere = true
    const leave = (): void => {
      if (isHere) share.callers--
      isHere = false
      if (share.callers === 0 && this.#shares.get(bucketId) === share) this.#shares.delete(bucketId)
    }
    try {
      const reservation = await share.budget.reserve(of.amount, of.signal)
      return {
        release: () => {
          reservation.release()
          leave()
        },
      }
    } catch (error) {
      leave()
      throw error
    }
  }
}
