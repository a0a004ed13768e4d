/** Runs work of the same key one after the other, and that of other keys beside it. */
export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Begins when all earlier work of that key has ended, however it ended. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(key)
    const mine = before === undefined ? work() : before.then(work)
    const ended = mine.catch(() => {})
    this.#last.set(key, ended)
    try {
      return await mine
    } finally {
      if (this.#last.get(key) === ended) this.#last.delete(key)
    }
  }
}
