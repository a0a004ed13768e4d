import type { Fault } from '#control/fault.ts'
import { RandomFaultSource, type RandomFaults } from '#control/random-faults.ts'

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
