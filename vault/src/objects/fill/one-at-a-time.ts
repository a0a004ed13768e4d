import { cancelled } from '#session/session.ts'

/** Runs work of the same key one after the other, and that of other keys beside it. */
export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>()

  /**
   * Begins when all earlier work of that key has ended, however it ended. Whoever goes away does not wait any
   * longer. Throws `CANCELLED`, and what the work throws.
   */
  async run<Result>(key: string, work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const before = this.#last.get(key)
    const mine = before === undefined ? work() : endOf(before, signal).then(work)
    // Who went away does not let others pass those who were there before.
    const ended = Promise.allSettled([before, mine])
    this.#last.set(key, ended)
    void ended.then(() => {
      if (this.#last.get(key) === ended) this.#last.delete(key)
    })
    return await mine
  }
}

/** Throws `CANCELLED` when the signal fires first. */
function endOf(before: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(cancelled())
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void before.then(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
