import { LineHash } from '#postgres/lines/line-hash.ts'

/** Any number of lines, whatever their order: sums of other lines can be added to it. */
export interface LineSum {
  lines: number
  /** Of the hashes, as numbers of 128 bits, modulo 2^128. */
  sum: bigint
}

export const NO_LINES: LineSum = { lines: 0, sum: 0n }

export function addSums(one: LineSum, other: LineSum): LineSum {
  return { lines: one.lines + other.lines, sum: BigInt.asUintN(128, one.sum + other.sum) }
}

export function sumText({ sum }: LineSum): string {
  return sum.toString(16).padStart(32, '0')
}

const NEWLINE = 0x0a
/** So many numbers of 32 bits add up exactly, and more. */
const MOST_UNFOLDED = 2 ** 20

/** Adds up the hashes of lines, which come in pieces that are cut anywhere. */
export class LineSums {
  readonly #hash = new LineHash()
  readonly #sums = new Float64Array(4)
  #unfolded = 0
  #total: LineSum = NO_LINES

  /** Takes bytes of lines, each with its line feed, which is not hashed. */
  update(bytes: Buffer): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#hash.end(view, from, end)
      this.#add()
      from = end + 1
    }
    if (from < bytes.length) this.#hash.add(view, from, bytes.length)
  }

  /** The lines since the last call. The last one must be complete. */
  take(): LineSum {
    this.#fold()
    const total = this.#total
    this.#total = NO_LINES
    return total
  }

  #add(): void {
    const { numbers } = this.#hash
    const sums = this.#sums
    for (let at = 0; at < 4; at++) sums[at] = (sums[at] as number) + (numbers[at] as number)
    this.#unfolded++
    if (this.#unfolded === MOST_UNFOLDED) this.#fold()
  }

  #fold(): void {
    const sum = this.#sums.reduce((all, one, at) => all + (BigInt(one) << BigInt(32 * at)), 0n)
    this.#total = addSums(this.#total, { lines: this.#unfolded, sum })
    this.#sums.fill(0)
    this.#unfolded = 0
  }
}
