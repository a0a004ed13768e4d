/**
 * How long the phases of a drill took, in seconds. fetch: the restore waited for a part from the chat ·
 * open: it waited while a part that was there was decrypted and decompressed · restore: everything else
 * until all was restored, with the start of a temporary server; parts are fetched and opened ahead
 * meanwhile · compare: from then on, with the second reading of a directory and the removal of what was
 * restored. The first three together are what a restore takes.
 */
export type DrillPhases = {
  fetch_seconds: number
  open_seconds: number
  restore_seconds: number
  compare_seconds: number
}

/** All phases together, to the millisecond. */
export function secondsOf(phases: DrillPhases): number {
  const { fetch_seconds, open_seconds, restore_seconds, compare_seconds } = phases
  return Math.round(1000 * (fetch_seconds + open_seconds + restore_seconds + compare_seconds)) / 1000
}

/** Measures one drill, from its construction on. Each moment counts for exactly one phase. */
export class PhaseClock {
  readonly #now: () => number
  readonly #ms = { fetch: 0, open: 0, restore: 0, compare: 0 }
  #since: number
  #isReaderWaiting = false
  #isPartAwaited = false
  #isRestored = false

  /** @param now milliseconds that never go back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#since = now()
  }

  /** The same bytes. While the restore waits for them, it is not restoring. */
  async *timed(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      this.#change({ isReaderWaiting: true })
      for await (const chunk of bytes) {
        this.#change({ isReaderWaiting: false })
        yield chunk
        this.#change({ isReaderWaiting: true })
      }
    } finally {
      this.#change({ isReaderWaiting: false })
    }
  }

  readonly partAwaited = (isPartAwaited: boolean): void => this.#change({ isPartAwaited })

  readonly restored = (): void => this.#change({ isRestored: true })

  /** Up to now; all together are the time since the construction. */
  phases(): DrillPhases {
    this.#change({})
    const { fetch, open, restore, compare } = this.#ms
    const seconds = (ms: number): number => Math.round(ms) / 1000
    return {
      fetch_seconds: seconds(fetch),
      open_seconds: seconds(open),
      restore_seconds: seconds(restore),
      compare_seconds: seconds(compare),
    }
  }

  #change(to: { isReaderWaiting?: boolean; isPartAwaited?: boolean; isRestored?: boolean }): void {
    const now = this.#now()
    this.#ms[this.#phase()] += now - this.#since
    this.#since = now
    this.#isReaderWaiting = to.isReaderWaiting ?? this.#isReaderWaiting
    this.#isPartAwaited = to.isPartAwaited ?? this.#isPartAwaited
    this.#isRestored = to.isRestored ?? this.#isRestored
  }

  #phase(): 'fetch' | 'open' | 'restore' | 'compare' {
    if (this.#isRestored) return 'compare'
    if (!this.#isReaderWaiting) return 'restore'
    return this.#isPartAwaited ? 'fetch' : 'open'
  }
}
