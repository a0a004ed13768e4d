import type { Fault } from '#control/fault.ts'

/** One request to a method or to the file route, which is called `download`. */
export interface RequestEntry {
  /** Lower-case name of the method. */
  readonly method: string
  /** Time on the emulator's clock, in milliseconds since 1970. */
  readonly atMs: number
  readonly botId: number | undefined
  /** Parameters that are not files, each cut to 4,096 characters. */
  readonly parameters: Readonly<Record<string, string>>
  /** Bytes of all files in the request. */
  readonly uploadBytes: number
  /** Of the answer; undefined when none was given. */
  readonly status: number | undefined
  /** That it met, whether or not it made a difference. */
  readonly fault?: Fault['kind']
}

/** A request that is counted; `end` is to be called when it has been answered or broken off. */
export interface Visit {
  /** Its number among all requests, from 1. */
  readonly call: number
  end(entry: Omit<RequestEntry, 'method'>): void
}

const MAX_PARAMETER_LENGTH = 4096
/** How many ended requests are remembered; the counts go on. */
const MAX_REMEMBERED = 10_000

/** What came in: counts, how many at once, and the latest requests. */
export class Traffic {
  readonly #counts = new Map<string, number>()
  readonly #concurrent = new Map<string, number>()
  readonly #maximumConcurrent = new Map<string, number>()
  readonly #entries: RequestEntry[] = []
  #lateCalls = 0

  begin(methodName: string): Visit {
    const method = methodName.toLowerCase()
    this.#counts.set(method, this.calls(method) + 1)
    const now = (this.#concurrent.get(method) ?? 0) + 1
    this.#concurrent.set(method, now)
    this.#maximumConcurrent.set(method, Math.max(now, this.maximumConcurrent(method)))
    return {
      call: this.calls(),
      end: entry => {
        this.#concurrent.set(method, (this.#concurrent.get(method) ?? 1) - 1)
        this.#entries.push({ ...entry, method, parameters: cut(entry.parameters) })
        if (this.#entries.length > MAX_REMEMBERED) this.#entries.shift()
      },
    }
  }

  /** Calls that were answered, or cut off, and whose work is still to be done. */
  get lateCalls(): number {
    return this.#lateCalls
  }

  /** Counts work as late until it has ended, however that was. */
  async late(work: Promise<void>): Promise<void> {
    this.#lateCalls++
    try {
      await work
    } finally {
      this.#lateCalls--
    }
  }

  calls(method?: string): number {
    if (method !== undefined) return this.#counts.get(method.toLowerCase()) ?? 0
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  maximumConcurrent(method: string): number {
    return this.#maximumConcurrent.get(method.toLowerCase()) ?? 0
  }

  requests(): readonly RequestEntry[] {
    return [...this.#entries]
  }
}

function cut(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(parameters)
  return Object.fromEntries(entries.map(([name, value]) => [name, value.slice(0, MAX_PARAMETER_LENGTH)]))
}
