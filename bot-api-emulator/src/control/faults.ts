import { RandomFaultSource, type RandomFaults } from '#control/random-faults.ts'

/** A failure to order. All up to `error` replace the method's work, which then has no effect. */
export type Fault =
  /** The connection is cut before the body is read. */
  | { readonly kind: 'reset-before' }
  /** The connection is cut in the middle of the body. */
  | { readonly kind: 'reset-during' }
  /** A 5xx: JSON as the Bot API words it, or the HTML of a proxy in front of it. */
  | { readonly kind: 'status'; readonly status: 500 | 502 | 503; readonly html?: boolean }
  /** A flood wait: 429, or the 400 without parameters that floods during a file transfer become. */
  | { readonly kind: 'flood'; readonly retryAfterSeconds: number; readonly wrapped400?: boolean }
  /** A 413 with the body that different servers on the way give it. */
  | { readonly kind: 'too-large'; readonly body: 'json' | 'empty' | 'html' }
  /** Any refusal of the Bot API. */
  | { readonly kind: 'error'; readonly errorCode: number; readonly description: string }
  /** The work is done and kept, then the connection is cut without an answer. */
  | { readonly kind: 'answer-lost' }
  /** The connection is cut, or a proxy gives up with a 502, when the body has come; the work is done `ms` later. */
  | { readonly kind: 'late'; readonly ms: number; readonly answer?: 'reset' | 'bad-gateway' }
  /** deleteMessages only: `true`, and nothing was deleted, as when its look-up failed behind the scenes. */
  | { readonly kind: 'false-true' }
  /** Everything as usual, but later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** A download ends after so many bytes: cut, or with a Content-Length that hides it. */
  | { readonly kind: 'truncate'; readonly keepBytes: number; readonly hidden?: boolean }
  /** A download with one bit turned. `offset` is a byte of the file; behind its end nothing happens. */
  | { readonly kind: 'flip-bit'; readonly offset: number }
  /** A download at this rate. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }

const FAULT_KINDS: ReadonlySet<unknown> = new Set<Fault['kind']>([
  'reset-before',
  'reset-during',
  'status',
  'flood',
  'too-large',
  'error',
  'answer-lost',
  'late',
  'false-true',
  'delay',
  'truncate',
  'flip-bit',
  'slow',
])

/** Whether a value from outside is of a known kind; its fields are taken on trust. */
export function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'kind' in value && FAULT_KINDS.has(value.kind)
}

/** Which calls a fault meets. */
export interface FaultTiming {
  /** The nth call from now, counting from 1, the default. */
  readonly call?: number
  /** For how many calls from there on; 1 by default. */
  readonly calls?: number
}

interface PlannedFault {
  readonly method: string
  readonly fault: Fault
  readonly first: number
  readonly last: number
  seen: number
}

/** Faults that wait for their calls. */
export class Faults {
  #planned: PlannedFault[] = []
  #random: RandomFaultSource[] = []

  /**
   * Orders a fault for a method (any case of letters), for `download` (the file route) or for `*` (every
   * method, which the file route is not).
   * When several meet one call, the one ordered first happens.
   */
  on(method: string, timing: FaultTiming, fault: Fault): void {
    const first = timing.call ?? 1
    const last = first + (timing.calls ?? 1) - 1
    this.#planned.push({ method: method.toLowerCase(), fault, first, last, seen: 0 })
  }

  /**
   * Orders faults by chance, from now on. A fault ordered with `on` goes before them.
   * Throws EmulatorError BAD_REQUEST for numbers out of range.
   */
  atRandom(order: RandomFaults): void {
    this.#random.push(new RandomFaultSource(order))
  }

  /** Takes all orders back, of both kinds. */
  clear(): void {
    this.#planned = []
    this.#random = []
  }

  /** Counts a call that has come in, and gives the fault that it meets. */
  next(method: string): Fault | undefined {
    const name = method.toLowerCase()
    const isMethod = name !== 'download'
    let met: Fault | undefined
    for (const planned of this.#planned) {
      if (planned.method !== name && !(planned.method === '*' && isMethod)) continue
      planned.seen++
      if (planned.seen >= planned.first && planned.seen <= planned.last) met ??= planned.fault
    }
    this.#planned = this.#planned.filter(planned => planned.seen < planned.last)
    for (const source of this.#random) {
      const drawn = source.next(name)
      met ??= drawn
    }
    return met
  }
}
