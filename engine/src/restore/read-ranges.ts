import { BackupError, hint, run } from '@telegram-backup/errors'

/** Plain bytes from `start` up to and without `end`; at least one. */
export interface ByteRange {
  start: number
  end: number
}

/** Where the plain bytes of a part are. */
export interface PartPlace {
  number: number
  plainOffset: number
  plainSize: number
}

/** Neighbouring parts, which are fetched together, and what is read of them. */
export interface PartRun {
  numbers: number[]
  /** Of the first byte of the first part. */
  plainOffset: number
  ranges: ByteRange[]
}

/**
 * The parts that hold these ranges, and no others.
 * @param parts in order, without gaps
 * @param ranges in order; they do not overlap
 */
export function planRanges(parts: readonly PartPlace[], ranges: readonly ByteRange[]): PartRun[] {
  const runs: PartRun[] = []
  let at = 0
  for (const range of ranges) {
    while (at < parts.length && endOf(parts[at]) <= range.start) at++
    for (let index = at; index < parts.length; index++) {
      const part = parts[index] as PartPlace
      if (part.plainOffset >= range.end) break
      const last = runs.at(-1)
      const previous = last?.numbers.at(-1)
      if (last !== undefined && previous === part.number) addRange(last, range)
      else if (last !== undefined && previous === part.number - 1) {
        last.numbers.push(part.number)
        addRange(last, range)
      } else runs.push({ numbers: [part.number], plainOffset: part.plainOffset, ranges: [range] })
    }
  }
  return runs
}

function addRange(run: PartRun, range: ByteRange): void {
  if (run.ranges.at(-1) !== range) run.ranges.push(range)
}

function endOf(part: PartPlace | undefined): number {
  return (part?.plainOffset ?? 0) + (part?.plainSize ?? 0)
}

/**
 * The bytes of the ranges, one after the other, out of bytes that begin at `plainOffset`. Stops reading
 * behind the last one. Throws `INTEGRITY` when the bytes end too early.
 */
export async function* cutRanges(
  bytes: AsyncIterable<Buffer>,
  { plainOffset, ranges }: Pick<PartRun, 'plainOffset' | 'ranges'>,
): AsyncGenerator<Buffer> {
  let at = plainOffset
  let next = 0
  for await (const chunk of bytes) {
    const end = at + chunk.length
    for (let range = ranges[next]; range !== undefined && range.start < end; range = ranges[next]) {
      const piece = chunk.subarray(Math.max(0, range.start - at), Math.max(0, range.end - at))
      if (piece.length > 0) yield piece
      if (range.end > end) break
      next += 1
    }
    at = end
    if (next === ranges.length) return
  }
  if (next < ranges.length) {
    throw new BackupError('The parts hold fewer bytes than the catalog says', {
      code: 'INTEGRITY',
      hint: hint`${run('verify')} shows which part it is.`,
    })
  }
}
