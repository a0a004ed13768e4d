/** Works on items in order, some ahead of the results that are taken. */
export class WorkAhead<Item, Result> {
  readonly #items: Iterator<Item>
  readonly #start: (item: Item) => Promise<Result>
  readonly #limit: number
  readonly #begun: Array<Promise<Result>> = []

  /** @param options.limit how many to begin ahead; only `take` reports a failure */
  constructor(items: Iterable<Item>, options: { limit: number; start: (item: Item) => Promise<Result> }) {
    this.#items = items[Symbol.iterator]()
    this.#limit = options.limit
    this.#start = options.start
  }

  begin(): void {
    while (this.#begun.length < this.#limit && this.#beginOne());
  }

  /** The next result; undefined after the last one. */
  take(): Promise<Result> | undefined {
    if (this.#begun.length === 0) this.#beginOne()
    return this.#begun.shift()
  }

  /** Resolves when all begun work has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#begun)
  }

  #beginOne(): boolean {
    const { done, value } = this.#items.next()
    if (done) return false
    const work = this.#start(value)
    work.catch(() => {})
    this.#begun.push(work)
    return true
  }
}
