/** A point in the life of one call of a method or of the file route. */
export interface CallEvent {
  /** Lower-case name of the method; `download` for the file route. */
  readonly method: string
  /**
   * `arrived`: the request is whole and nothing was done yet. `kept`: the work was done and is on disk, the
   * answer is still here; never for a refusal, a fault in place of the work, or a download. `answered`: the
   * answer has left, or the connection was cut. A call that is done late is `answered` first and `kept`
   * later.
   */
  readonly phase: 'arrived' | 'kept' | 'answered'
  /**
   * Counts all calls from 1, in the order in which they began: tells the events of one call from another's.
   */
  readonly call: number
  /** Undefined for a token of no bot. */
  readonly botId: number | undefined
  /** Parameters that are not files. */
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * Hears of an event at once. While a promise that it returned is open, that call goes no further; others do.
 * It must neither throw nor reject.
 */
export type CallListener = (event: CallEvent) => void | Promise<void>

/** Who is told of calls; in the emulator's own process only. */
export class Watchers {
  readonly #listeners = new Set<CallListener>()

  /** Adds a listener; the answer takes it away. */
  add(listener: CallListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Tells all, and resolves when all have let the call go on. */
  async tell(event: CallEvent): Promise<void> {
    await Promise.all([...this.#listeners].map(listener => listener(event)))
  }
}
