import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineHash } from '#postgres/lines/line-hash.ts'
import { addSums, LineSums, NO_LINES, sumText } from '#postgres/lines/line-sums.ts'

function hashOf(text: string): string {
  const bytes = Buffer.from(text)
  const hash = new LineHash()
  hash.end(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length)
  return [...hash.numbers].map(number => number.toString(16).padStart(8, '0')).join('')
}

function sumOf(...pieces: readonly Buffer[]): string {
  const sums = new LineSums()
  for (const piece of pieces) sums.update(piece)
  return sumText(sums.take())
}

function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map(line => `${line}\n`).join(''))
}

const LINE = fc.string({ maxLength: 70 }).map(text => text.replaceAll('\n', ' '))
const LINES = fc.array(LINE, { maxLength: 12 })

// By another implementation: murmurhash3js-revisited 3.0.0, x86.hash128.
it.each([
  ['', '00000000000000000000000000000000'],
  ['1', 'e0f2f4fbd96bb1d5d96bb1d5d96bb1d5'],
  ['hello', '2b2444a0db91def79adb31b69adb31b6'],
  ['1\tAda\t\\N\t2026-01-01 00:00:00+00', 'ed32c79aeed011f7af41e9b22544014d'],
])('the hash of %j is MurmurHash3', (text, expected) => {
  expect(hashOf(text)).toBe(expected)
})

describe('the sum of lines', () => {
  it('is the same wherever the bytes are cut', () => {
    fc.assert(
      fc.property(LINES, fc.array(fc.nat({ max: 400 }), { maxLength: 8 }), (lines, cuts) => {
        const bytes = bytesOf(lines)
        const ends = [...cuts.filter(cut => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        const pieces = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end))
        expect(sumOf(...pieces)).toBe(sumOf(bytes))
      }),
      { numRuns: roundsOf(300) },
    )
  })

  it('is the same in any order, and adds up', () => {
    fc.assert(
      fc.property(LINES, LINES, (first, second) => {
        const whole = sumOf(bytesOf([...first, ...second]))
        expect(sumOf(bytesOf([...second, ...first]))).toBe(whole)
        const sums = new LineSums()
        const parts = [first, second].map(lines => {
          sums.update(bytesOf(lines))
          return sums.take()
        })
        expect(sumText(parts.reduce(addSums, NO_LINES))).toBe(whole)
      }),
      { numRuns: roundsOf(100) },
    )
  })

  it('differs where two equal lines are gone, or one byte is another', () => {
    const lines = ['1\ta', '2\tb', '2\tb', '3\tc']
    expect(sumOf(bytesOf(['1\ta', '3\tc']))).not.toBe(sumOf(bytesOf(lines)))
    expect(sumOf(bytesOf(['1\ta', '2\tb', '2\tB', '3\tc']))).not.toBe(sumOf(bytesOf(lines)))
  })
})
