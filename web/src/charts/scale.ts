/** A point of a line: a time in milliseconds, and a value. */
export interface Point {
  at: number
  value: number
}

/** Where the points are drawn. */
export interface Box {
  width: number
  height: number
  /** Left free on each side, so that nothing is cut off. */
  margin: number
}

/** Maps values from `low` to `high` onto a length; all of them onto its middle if they are the same. */
export function scale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  if (high === low) return () => (from + to) / 2
  return value => from + ((value - low) / (high - low)) * (to - from)
}

/**
 * The points as SVG coordinates. Values begin at zero, so that a small change does not look like a large one.
 */
export function linePoints(points: readonly Point[], { width, height, margin }: Box): [number, number][] {
  const times = points.map(({ at }) => at)
  const highest = Math.max(0, ...points.map(({ value }) => value))
  const x = scale([Math.min(...times), Math.max(...times)], [margin, width - margin])
  const y = scale([0, Math.max(highest, 1)], [height - margin, margin])
  return points.map(({ at, value }) => [round(x(at)), round(y(value))])
}

/** A tenth of a pixel is enough. */
function round(value: number): number {
  return Math.round(value * 10) / 10
}

/**
 * How much the last one is more than the first, as 0.12; undefined without two, or if the first is nothing.
 */
export function growthOf(values: readonly number[]): number | undefined {
  const [first, last] = [values.at(0), values.at(-1)]
  if (values.length < 2 || first === undefined || last === undefined || first === 0) return undefined
  return last / first - 1
}
