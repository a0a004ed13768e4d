import type { Comparison } from '#postgres/drill/compare-contents.ts'
import type { LinesComparison } from '#postgres/lines/compare-lines.ts'

/** The rows of the dump show more than numbers of rows at the source, and less than their hashes. */
export function withLines(compared: Comparison | undefined, lines: LinesComparison): Comparison {
  const differences = [...(compared?.differences ?? []), ...lines.differences]
  const notCovered = [...(compared?.notCovered ?? []), ...lines.notCovered]
  if (lines.contents === 'not compared' && compared !== undefined) return { ...compared, notCovered }
  return {
    ...{ ...lines, differences, notCovered },
    depth: lines.contents === 'not compared' ? 'restored' : 'dump',
    contents: differences.length > 0 ? 'different' : lines.contents,
  }
}
