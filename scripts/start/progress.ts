/** Says what the start does, and how long each step took. */
export class Progress {
  readonly #print: (text: string) => void
  readonly #isTerminal: boolean
  readonly #startMs = performance.now()

  constructor(print: (text: string) => void, isTerminal: boolean) {
    this.#print = print
    this.#isTerminal = isTerminal
  }

  /** Since the start. */
  get seconds(): string {
    return secondsSince(this.#startMs)
  }

  /**
   * Runs a step. On a terminal, `words` stand there while it runs.
   * @param work gets a function that shows how far it is; it returns what the step found, for the end of
   * the line
   */
  async step<Result>(
    words: string,
    work: (show: (detail: string) => void) => Promise<Result>,
    found: (result: Result) => string = () => '',
  ): Promise<Result> {
    const startMs = performance.now()
    const show = (detail: string): void => {
      if (this.#isTerminal) this.#print(`\r\x1b[K  ${words}${detail}`)
    }
    show(' …')
    const result = await work(detail => show(` … ${detail}`))
    const line = `  ${`${words}${found(result)}`.padEnd(76)} ${secondsSince(startMs).padStart(5)} s\n`
    this.#print(this.#isTerminal ? `\r\x1b[K${line}` : line)
    return result
  }

  say(text: string): void {
    this.#print(`${text}\n`)
  }
}

function secondsSince(startMs: number): string {
  return ((performance.now() - startMs) / 1000).toFixed(1)
}
