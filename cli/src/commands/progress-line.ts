import type { TextSink } from '#host.ts'

/** Milliseconds between two updates on a terminal, and between two lines without a terminal. */
const REDRAW_MS = 100
const LINE_MS = 10_000

/** Progress on stderr: one line redrawn in place on a terminal, else a plain line now and then. */
export class ProgressLine {
  readonly #sink: TextSink
  readonly #now: () => number
  #lastMs = Number.NEGATIVE_INFINITY
  #drawn = false

  constructor(sink: TextSink, now: () => number = () => performance.now()) {
    this.#sink = sink
    this.#now = now
    if (!sink.isTTY) this.#lastMs = now()
  }

  /** Shows `text()`, unless something was shown a moment ago. */
  update(text: () => string): void {
    const now = this.#now()
    if (now - this.#lastMs < (this.#sink.isTTY ? REDRAW_MS : LINE_MS)) return
    this.#lastMs = now
    if (this.#sink.isTTY) {
      const width = (this.#sink.columns ?? 80) - 1
      this.#sink.write(`\r\u001b[K${text().slice(0, width)}`)
      this.#drawn = true
    } else {
      this.#sink.write(`${text()}\n`)
    }
  }

  /** Clears the line, so that the next output starts on a clean one. */
  end(): void {
    if (this.#drawn) this.#sink.write('\r\u001b[K')
    this.#drawn = false
  }
}

/** `[#####-----] 50 %`. @param fraction 0 to 1 */
export function progressBar(fraction: number, width: number = 24): string {
  const share = Math.min(1, Math.max(0, fraction))
  const filled = Math.round(share * width)
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`
}
