/** How fast a job is now. */
export interface Pace {
  bytesPerSecond: number
  /** Null where the end is not known. */
  secondsLeft: number | null
}

/** What a job has done at a moment. */
interface Sample {
  /** Milliseconds since 1970. */
  at: number
  bytes: number
}

/** So far back the speed is taken from: short enough to follow a change, long enough not to jump. */
const WINDOW_MS = 15_000
const LEAST_MS = 1_500

/** The speed of one job, from what it says about once a second. */
export class PaceMeter {
  #samples: Sample[] = []

  /** A job that begins anew (another attempt) is measured anew. */
  add(sample: Sample): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && sample.bytes < last.bytes) this.#samples = []
    this.#samples = [...this.#samples.filter(({ at }) => at > sample.at - WINDOW_MS), sample]
  }

  /** Undefined while too little is known. */
  pace(bytesTotal: number | null): Pace | undefined {
    const [first, last] = [this.#samples.at(0), this.#samples.at(-1)]
    if (first === undefined || last === undefined || last.at - first.at < LEAST_MS) return undefined
    const bytesPerSecond = (last.bytes - first.bytes) / ((last.at - first.at) / 1_000)
    const left = bytesTotal === null ? null : Math.max(0, bytesTotal - last.bytes)
    return {
      bytesPerSecond,
      secondsLeft: left === null || bytesPerSecond <= 0 ? null : left / bytesPerSecond,
    }
  }
}
