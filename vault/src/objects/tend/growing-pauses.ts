const LONGEST_MS = 600_000

/** Pauses after failures, by name: each one twice as long as the one before, at most ten minutes. */
export class GrowingPauses {
  readonly #firstMs: number
  readonly #pauses = new Map<string, { ms: number; until: number }>()

  constructor({ firstMs }: { firstMs: number }) {
    this.#firstMs = firstMs
  }

  isPausing(name: string): boolean {
    return performance.now() < (this.#pauses.get(name)?.until ?? 0)
  }

  begin(name: string): void {
    const ms = Math.min(LONGEST_MS, (this.#pauses.get(name)?.ms ?? this.#firstMs / 2) * 2)
    this.#pauses.set(name, { ms, until: performance.now() + ms })
  }

  /** After a success. */
  end(name: string): void {
    this.#pauses.delete(name)
  }
}
