import { describe, expect, it } from 'vitest'
import { hashOfBuckets } from '#postgres/contents/content-hash.ts'
import { type HashedBy, type HashedTable, hashesOf, together } from '#postgres/contents/hash-record.ts'
import { contentsWords } from '#postgres/contents-words.ts'
import type { LeftOut } from '#postgres/left-out.ts'

const BY: HashedBy = {
  ...({ algorithm: 'fast', probe: 'p', encoding: 'UTF8', server_version: '17', floats: 'text' } as const),
  settings: {},
}
const hash = hashOfBuckets([[3, 2, '-1', '18446744073709551621']])
const tableOf = (at: number): HashedTable => ({
  ...{
    schema: 'a_schema_name',
    name: `a_table_name_of_usual_length_${at}`,
    columns: '01234567',
    hasGenerated: false,
  },
  hash: { ...hash, rows: 2_000 - at },
})
const record = (tables: number, leftOut: LeftOut[] = []) =>
  hashesOf(BY, {
    tables: Array.from({ length: tables }, (_, at) => tableOf(at)),
    ...{ leftOut, largeObjects: undefined, seconds: 1 },
  })

describe('the record of hashes', () => {
  it('names the thousand largest tables, and has all others as one', () => {
    const { tables, others } = record(1_200)
    expect(tables).toHaveLength(1_000)
    expect(tables[0]).toEqual([
      ...['a_schema_name', 'a_table_name_of_usual_length_0', 2_000, 'ffffffffffffffff0000000000000005'],
      ...[`${'0000'.repeat(3)}0005${'0000'.repeat(12)}`, '01234567'],
    ])
    expect(others).toEqual(together(Array.from({ length: 200 }, (_, at) => tableOf(1_000 + at))))
    expect(JSON.stringify(record(1_000)).length).toBeLessThan(200_000)
  })

  it('has no sum of others where one of them is missing, and bounds what was left out', () => {
    const leftOut = Array.from({ length: 1_500 }, (_, at): LeftOut => ['s', `t${at}`, 'time'])
    const mixed = record(1_200, leftOut.slice(0, 1))
    expect(mixed).not.toHaveProperty('others')
    // Those 200 have no name and no sum: a drill must not pass over them in silence.
    expect(mixed).toMatchObject({ left_out: [['s', 't0', 'time']], left_out_more: 200 })
    expect(record(1_200, [['s', 'v', 'view']])).toHaveProperty('others')
    expect(record(1, leftOut)).toMatchObject({ left_out_more: 500, left_out: { length: 1_000 } })
  })

  it('is told in words, whatever somebody has put into it', () => {
    const told = (hashes: unknown, counted = 1): string | undefined =>
      contentsWords({ contents: { tables: 1, counted, rows: [], hashes } } as never)
    expect(told(record(12))).toBe('recorded: 12 tables, fast')
    expect(told(undefined, 3)).toBe('recorded: numbers of rows of 3 tables')
    expect(told(undefined, 0)).toBe('not recorded')
    const left: LeftOut[] = [
      ['s', 'big', 'time'],
      [null, null, 'rights'],
      ['s', 'x\u001b[2J', 'lock'],
      ['s', 'y', 'lock'],
    ]
    expect(told(record(1, left))).toBe(
      'recorded: 1 table, fast; not hashed: s.big (the backup was complete before it could be hashed), large objects (the user of the backup may not read it, or not all of its rows), s.x\\033[2J (somebody held a lock on it), 1 more',
    )
    for (const hashes of [
      {},
      1,
      [],
      { tables: 3, left_out: [] },
      { tables: [], left_out: [1, null, ['a', {}, 'toString']] },
    ]) {
      expect(() => told(hashes)).not.toThrow()
    }
  })
})
