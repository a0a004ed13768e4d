import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ByteRange, cutRanges, type PartPlace, planRanges } from '#restore/read-ranges.ts'

const SIZES = fc.array(fc.nat(20), { minLength: 1, maxLength: 12 })

function partsOf(sizes: readonly number[]): PartPlace[] {
  let plainOffset = 0
  return sizes.map((plainSize, index) => {
    const part = { number: index + 1, plainOffset, plainSize }
    plainOffset += plainSize
    return part
  })
}

/** Neighbours, gaps and single bytes, in order. */
function rangesIn(size: number, cuts: readonly number[]): ByteRange[] {
  const places = [...new Set(cuts.map(cut => cut % (size + 1)))].sort((a, b) => a - b)
  return places.slice(0, -1).flatMap((start, index) => {
    const end = places[index + 1] ?? start
    return (cuts[index] ?? 0) % 3 === 0 ? [] : [{ start, end }]
  })
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('the ranges of a backup', () => {
  it('come out of exactly the parts that hold them, in runs, byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        SIZES,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.integer({ min: 1, max: 30 }),
        async (sizes, cuts, chunk) => {
          const parts = partsOf(sizes)
          const whole = randomBytes(sizes.reduce((sum, size) => sum + size, 0))
          const ranges = rangesIn(whole.length, cuts)
          const runs = planRanges(parts, ranges)
          const holding = parts
            .filter(({ plainOffset, plainSize }) =>
              ranges.some(({ start, end }) => plainOffset < end && plainOffset + plainSize > start),
            )
            .map(({ number }) => number)
          expect(runs.flatMap(({ numbers }) => numbers)).toEqual(holding)
          let found = Buffer.alloc(0)
          for (const { numbers, ...run } of runs) {
            expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index))
            const bytes = Buffer.concat(
              parts
                .filter(({ number }) => numbers.includes(number))
                .map(({ plainOffset, plainSize }) => whole.subarray(plainOffset, plainOffset + plainSize)),
            )
            found = Buffer.concat([found, ...(await Array.fromAsync(cutRanges(inChunks(bytes, chunk), run)))])
          }
          expect(found).toEqual(Buffer.concat(ranges.map(({ start, end }) => whole.subarray(start, end))))
        },
      ),
      { numRuns: 500 },
    )
  })

  it('that bytes do not hold to the end are damage', async () => {
    const cut = cutRanges(inChunks(Buffer.alloc(10), 4), { plainOffset: 5, ranges: [{ start: 7, end: 16 }] })
    await expect(Array.fromAsync(cut)).rejects.toMatchObject({ code: 'INTEGRITY' })
  })
})
