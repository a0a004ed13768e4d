/** The hash of any number of rows, whatever their order: hashes of other rows can be added to it. */
export interface ContentHash {
  rows: number
  /** Two sums of 64 bits, not negative. */
  sums: readonly [bigint, bigint]
  /**
   * Of the rows whose first number ends in these four bits: sixteen sums of 16 bits. They show where rows
   * differ.
   */
  buckets: readonly number[]
}

/** A table in the record: 32 digits of sums, 64 of buckets, 8 of its columns; all hexadecimal. */
export type TableHash = [
  schema: string,
  table: string,
  rows: number,
  sums: string,
  buckets: string,
  columns: string,
]

export const BUCKETS = 16

export const NO_ROWS: ContentHash = { rows: 0, sums: [0n, 0n], buckets: Array(BUCKETS).fill(0) }

export function addHashes(one: ContentHash, other: ContentHash): ContentHash {
  return {
    rows: one.rows + other.rows,
    sums: [sum64(one.sums[0] + other.sums[0]), sum64(one.sums[1] + other.sums[1])],
    buckets: one.buckets.map((sum, at) => (sum + (other.buckets[at] ?? 0)) & 0xffff),
  }
}

export function sumsText({ sums }: ContentHash): string {
  return sums.map(sum => sum.toString(16).padStart(16, '0')).join('')
}

export function bucketsText({ buckets }: ContentHash): string {
  return buckets.map(sum => sum.toString(16).padStart(4, '0')).join('')
}

/** The numbers of the buckets, 0 to 15, that differ between two texts of buckets. */
export function differingBuckets(one: string, other: string): number[] {
  const digits = 4
  const isDifferent = (at: number): boolean =>
    one.slice(at * digits, (at + 1) * digits) !== other.slice(at * digits, (at + 1) * digits)
  return Array.from({ length: BUCKETS }, (_, at) => at).filter(isDifferent)
}

/** A bucket as the server gives it: its number, its rows, and its two sums, which may be negative. */
export type SummedBucket = [bucket: number, rows: number, first: string, second: string]

export function hashOfBuckets(summed: readonly SummedBucket[]): ContentHash {
  return summed.reduce<ContentHash>((hash, [bucket, rows, first, second]) => {
    const of = Array.from({ length: BUCKETS }, (_, at) =>
      at === bucket ? Number(BigInt.asUintN(16, BigInt(second))) : 0,
    )
    return addHashes(hash, { rows, sums: [sum64(BigInt(first)), sum64(BigInt(second))], buckets: of })
  }, NO_ROWS)
}

function sum64(sum: bigint): bigint {
  return BigInt.asUintN(64, sum)
}
