/** Keeps what was made for a key, of so many keys at most: the one that was made first goes first. */
export class BoundedCache<Value> {
  readonly #most: number
  readonly #values = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  /** Throws what `make` throws, and keeps nothing then. */
  get(key: string, make: () => Value): Value {
    const earlier = this.#values.get(key)
    if (earlier !== undefined) return earlier
    const value = make()
    const [oldest] = this.#values.keys()
    if (this.#values.size >= this.#most && oldest !== undefined) this.#values.delete(oldest)
    this.#values.set(key, value)
    return value
  }
}
