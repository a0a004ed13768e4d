/**
 * A look at something that changes, which callers share. Each of them needs an answer to a question that was
 * asked after it called: one that is on its way may be too old. So all who call during a look share the next
 * one.
 */
export class SharedLook<Answer> {
  readonly #look: () => Promise<Answer>
  #running: Promise<unknown> = Promise.resolve()
  #next: Promise<Answer> | undefined

  constructor(look: () => Promise<Answer>) {
    this.#look = look
  }

  /** Resolves, or throws, with a look that begins after this call. */
  afterNow(): Promise<Answer> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined
      const answer = this.#look()
      this.#running = answer.catch(() => {})
      return answer
    })
    return this.#next
  }
}
