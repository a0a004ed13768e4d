/** A value that changes; each reader waits for one that is newer than what it has seen. */
export class Newest<Value> {
  #newest: { count: number; value: Value } | undefined
  readonly #waiting = new Set<() => void>()

  /** How many values there have been. */
  get count(): number {
    return this.#newest?.count ?? 0
  }

  publish(value: Value): void {
    this.#newest = { count: this.count + 1, value }
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /**
   * Resolves with the newest value when there have been more than `seen`; undefined when the signal fires.
   */
  async after(seen: number, signal: AbortSignal): Promise<{ count: number; value: Value } | undefined> {
    while (!signal.aborted && this.count <= seen) {
      await new Promise<void>(resolve => {
        const wake = (): void => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    }
    return signal.aborted ? undefined : this.#newest
  }
}
