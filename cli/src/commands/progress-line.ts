import type { TextSink } from '#host.ts'

/** Milliseconds between two updates on a terminal, and between two lines without a terminal. */
const REDRAW_MS = 100
const LINE_MS = 30_000
/** While nothing happens, a terminal still sees the time pass. */
const TICK_MS = 1_000
const GAP = '  '

/** One thing that a progress line says. */
export interface ProgressFact {
  text: string
  /** Where not everything fits, the facts with the highest ranks are left out. */
  rank: number
}

/** Progress on stderr: one line redrawn in place on a terminal, else a plain line now and then. */
export class ProgressLine {
  readonly #sink: TextSink
  readonly #now: () => number
  #lastMs = Number.NEGATIVE_INFINITY
  #drawn = false
  #ticking: NodeJS.Timeout | undefined

  constructor(sink: TextSink, now: () => number = () => performance.now()) {
    this.#sink = sink
    this.#now = now
    if (!sink.isTTY) this.#lastMs = now()
  }

  /** Shows the facts in their order, unless something was shown a moment ago. */
  update(facts: () => readonly ProgressFact[]): void {
    const now = this.#now()
    if (now - this.#lastMs < (this.#sink.isTTY ? REDRAW_MS : LINE_MS)) return
    this.#lastMs = now
    if (this.#sink.isTTY) {
      this.#draw(facts)
      clearInterval(this.#ticking)
      this.#ticking = setInterval(() => this.#draw(facts), TICK_MS).unref()
    } else {
      this.#sink.write(`${fittedLine(facts(), Number.POSITIVE_INFINITY)}\n`)
    }
  }

  #draw(facts: () => readonly ProgressFact[]): void {
    // In the last column, some terminals begin a new line.
    const width = (this.#sink.columns ?? 80) - 1
    this.#sink.write(`\r\u001b[K${fittedLine(facts(), width)}`)
    this.#drawn = true
  }

  /** Clears the line, so that the next output starts on a clean one. */
  end(): void {
    clearInterval(this.#ticking)
    if (this.#drawn) this.#sink.write('\r\u001b[K')
    this.#drawn = false
  }
}

/** The most important facts that fit in so many columns, in their order. */
export function fittedLine(facts: readonly ProgressFact[], width: number): string {
  let shown = facts
  const line = (): string => shown.map(({ text }) => text).join(GAP)
  while (shown.length > 1 && line().length > width) {
    const least = Math.max(...shown.map(({ rank }) => rank))
    const at = shown.findLastIndex(({ rank }) => rank === least)
    shown = shown.toSpliced(at, 1)
  }
  return line().slice(0, Math.max(0, width))
}

/** `[#####-----]`. @param fraction 0 to 1 */
export function progressBar(fraction: number, width: number = 24): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width)
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`
}
