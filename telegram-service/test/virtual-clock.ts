import type { Clock } from '#bot-api/clock.ts'

/** Time that passes when told to. */
export class VirtualClock implements Clock {
  #nowMs = 0
  readonly #sleepers: Array<{ atMs: number; wake: () => void }> = []

  now(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const sleeper = { atMs: this.#nowMs + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#remove(sleeper)
        resolve()
      })
    })
  }

  get sleepers(): number {
    return this.#sleepers.length
  }

  /** Wakes one sleeper after the other until no one sleeps any more. */
  async runOut(): Promise<void> {
    await settled()
    for (;;) {
      const [first] = this.#sleepers.toSorted((a, b) => a.atMs - b.atMs)
      if (first === undefined) return
      this.#remove(first)
      this.#nowMs = first.atMs
      first.wake()
      await settled()
    }
  }

  #remove(sleeper: { atMs: number; wake: () => void }): void {
    const index = this.#sleepers.indexOf(sleeper)
    if (index >= 0) this.#sleepers.splice(index, 1)
  }
}

/** Lets everything happen that needs no time. */
export async function settled(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}
