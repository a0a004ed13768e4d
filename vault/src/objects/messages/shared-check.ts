/**
 * A check that callers share. Each of them needs an answer to a question that was asked after it called: one
 * that is on its way may be too old. So all who call during a check share the next one.
 */
export class SharedCheck {
  readonly #check: () => Promise<void>
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(check: () => Promise<void>) {
    this.#check = check
  }

  /** Resolves, or throws, with a check that begins after this call. */
  afterNow(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      const check = this.#check()
      this.#running = check.catch(() => {})
      return check
    })
    return this.#next
  }
}
