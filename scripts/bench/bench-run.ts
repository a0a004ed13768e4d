import { type Comparison, compare, type Side } from '#bench/measure.ts'

/** One line of the page: what was to be reached, and whether it was. */
export interface Figure {
  what: string
  value: string
  target: string
  reached: boolean
}

/** One run of the bench: which measurements are wanted, and what they have found. */
export class BenchRun {
  readonly pairs: number
  readonly #only: string
  readonly comparisons: Comparison[] = []
  readonly figures: Figure[] = []

  /** @param of.only measurements whose name holds it are wanted; empty: all */
  constructor(of: { pairs: number; only: string }) {
    this.pairs = of.pairs
    this.#only = of.only
  }

  isWanted(...names: string[]): boolean {
    return names.some(name => name.includes(this.#only))
  }

  /** Compares two sides, if that is wanted. */
  async against(
    what: string,
    sides: { ours: Side; theirs: Side },
    figureOf: (comparison: Comparison) => Figure,
  ): Promise<void> {
    if (!this.isWanted(what)) return
    const comparison = await compare(what, sides.ours, sides.theirs, this.pairs)
    this.comparisons.push(comparison)
    this.add(figureOf(comparison))
  }

  add(figure: Figure): void {
    this.figures.push(figure)
    const { what, value, target, reached } = figure
    process.stdout.write(`${reached ? 'reached' : 'MISSED '}  ${what}: ${value}, ${target}\n`)
  }
}

/** A ratio that is to be at most so much. */
export function ratioFigure(comparison: Comparison, target: number): Figure {
  const { median, least, most } = comparison.ratio
  return {
    what: comparison.what,
    value: `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`,
    target: `at most ${target.toFixed(2)}`,
    reached: median <= target,
  }
}
