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

  /** Counts a request; `end` is to be called when it has been answered or broken off. */
  begin(methodName: string): { end(entry: Omit<RequestEntry, 'method'>): void } {
    const method = methodName.toLowerCase()
    this.#counts.set(method, this.calls(method) + 1)
    const now = (this.#concurrent.get(method) ?? 0) + 1
    this.#concurrent.set(method, now)
    this.#maximumConcurrent.set(method, Math.max(now, this.maximumConcurrent(method)))
    return {
      end: entry => {
        this.#concurrent.set(method, (this.#concurrent.get(method) ?? 1) - 1)
        this.#entries.push({ ...entry, method, parameters: cut(entry.parameters) })
        if (this.#entries.length > MAX_REMEMBERED) this.#entries.shift()
      },
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
