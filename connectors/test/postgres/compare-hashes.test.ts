import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addHashes, type ContentHash, hashOfBuckets, NO_ROWS } from '#postgres/contents/content-hash.ts'
import { type ContentHashes, type HashedTable, hashesOf } from '#postgres/contents/hash-record.ts'
import { recordOf } from '#postgres/contents-record.ts'
import { compareContents } from '#postgres/drill/compare-contents.ts'
import { compareHashes, type RestoredHashes } from '#postgres/drill/compare-hashes.ts'
import type { LeftOut } from '#postgres/left-out.ts'

const BY = {
  ...({ algorithm: 'fast', floats: 'text', probe: 'p', encoding: 'UTF8' } as const),
  ...{ server_version: '17.2', settings: {} },
}

/** Rows stand for themselves: each has two numbers, as a server makes them of its text. */
type Row = [first: bigint, second: bigint]

function hashOf(rows: readonly Row[]): ContentHash {
  return rows.reduce(
    (hash, [first, second]) =>
      addHashes(hash, hashOfBuckets([[Number(first & 15n), 1, String(first), String(second)]])),
    NO_ROWS,
  )
}

function table(name: string, rows: readonly Row[], more: Partial<HashedTable> = {}): HashedTable {
  return { schema: 's', name, hash: hashOf(rows), columns: '01234567', hasGenerated: false, ...more }
}

function record(
  tables: readonly HashedTable[],
  { leftOut = [], largeObjects }: { leftOut?: LeftOut[]; largeObjects?: ContentHash } = {},
): ContentHashes {
  return hashesOf(BY, { tables, leftOut, largeObjects, seconds: 1 })
}

function restored(tables: readonly HashedTable[], more: Partial<RestoredHashes> = {}): RestoredHashes {
  const rows = tables.map(({ schema, name, hash }) => [JSON.stringify([schema, name]), hash.rows] as const)
  const rootOf = new Map(rows.map(([key]) => [key, key]))
  return { tables, rootOf, rowsOf: new Map(rows), refused: new Map(), largeObjects: undefined, ...more }
}

const ROW = fc.tuple(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const ROWS = fc.array(ROW, { maxLength: 30 })

describe('two hashes of one table', () => {
  it('are equal for the same rows in whatever order, and for no other ones', () => {
    fc.assert(
      fc.property(ROWS, ROWS, (rows, others) => {
        const shuffled = [...rows].sort((a, b) => Number(BigInt.asIntN(40, b[0] - a[0])))
        expect(
          compareHashes(record([table('t', rows)]), restored([table('t', shuffled)])).differences,
        ).toEqual([])
        const isSame = sorted(rows) === sorted(others)
        const { differences } = compareHashes(record([table('t', rows)]), restored([table('t', others)]))
        expect(differences.length).toBe(isSame ? 0 : 1)
      }),
    )
  })

  it('differ by a row that is changed, in its bucket; by two equal rows that are gone; each is named', () => {
    fc.assert(
      fc.property(ROWS, ROW, ROW, (rows, one, other) => {
        fc.pre(one[0] !== other[0] || one[1] !== other[1])
        const of = record([table('t', [...rows, one])])
        const [changed] = compareHashes(of, restored([table('t', [...rows, other])])).differences
        expect(changed).toMatchObject({ object: 's.t', kind: 'table', change: 'changed' })
        for (const bucket of changed?.buckets ?? [])
          expect([Number(one[0] & 15n), Number(other[0] & 15n)]).toContain(bucket)
        const twice = record([table('t', [...rows, one, one])])
        const [fewer] = compareHashes(twice, restored([table('t', rows)])).differences
        expect(fewer).toMatchObject({ object: 's.t', change: 'fewer' })
        expect(fewer?.reason).toMatch(/\(2 fewer/)
      }),
    )
  })
})

function sorted(rows: readonly Row[]): string {
  return rows.map(String).sort().join()
}

describe('a person reads', () => {
  const rows: Row[] = [
    [3n, 7n],
    [4n, 8n],
  ]
  const told = (of: ContentHashes, found: RestoredHashes): string[] =>
    compareHashes(of, found).differences.map(({ reason }) => reason)

  it('which table has other rows, how many, and in which buckets', () => {
    const of = record([table('same', rows), table('other', rows), table('fewer', rows), table('gone', [])])
    const found = [
      table('same', rows),
      table('other', [
        [3n, 9n],
        [4n, 8n],
      ]),
      table('fewer', [[3n, 7n]]),
    ]
    expect(told(of, restored(found))).toEqual([
      'table s.other: 2 rows as when it was backed up, but some of them differ (in 1 of 16 buckets: 3)',
      'table s.fewer: 2 rows when it was backed up, 1 row restored (1 fewer, in 1 of 16 buckets: 4)',
      'table s.gone: 0 rows when it was backed up, no such table restored',
    ])
    expect(told(record([table('t', rows)]), restored([table('t', rows, { columns: 'abcdef01' })]))).toEqual([
      'table s.t: 2 rows as when it was backed up, but its columns have other names or types',
    ])
  })

  it('what is not covered and why: left out by the send, refused in the drill, computed by the server', () => {
    const of = record([table('t', rows, { hasGenerated: true }), table('hidden', rows)], {
      leftOut: [
        ['s', 'big', 'time'],
        ['s', 'm', 'view'],
        [null, null, 'rights'],
      ],
    })
    const refused = new Map([[JSON.stringify(['s', 'hidden']), 'in the drill, its role may not read it']])
    const { notCovered, differences, compared } = compareHashes(of, restored([table('t', rows)], { refused }))
    expect(differences).toEqual([])
    expect([...compared]).toEqual([JSON.stringify(['s', 't'])])
    expect(notCovered.map(one => `${one.table}: ${one.reason}`)).toEqual([
      's.big: the backup was complete before it could be hashed',
      's.m: a materialized view: its rows are not in the dump',
      'large objects: the user of the backup may not read it, or not all of its rows',
      's.t: its generated columns alone: the server computes them, and no dump holds them',
      's.hidden: in the drill, its role may not read it',
    ])
  })

  it('of large objects, and of a thousand and more tables, what is known of all together', () => {
    const many = Array.from({ length: 1_002 }, (_, n) =>
      table(
        `t${n}`,
        n < 1_000
          ? [
              [1n, BigInt(n)],
              [2n, 2n],
            ]
          : [[5n, 5n]],
      ),
    )
    const of = record(many, { largeObjects: hashOf(rows) })
    expect(of.others).toMatchObject({ tables: 2, rows: 2 })
    const found = restored(many, { largeObjects: hashOf(rows) })
    expect(compareHashes(of, found)).toMatchObject({
      differences: [],
      notCovered: [],
      areOthersCompared: true,
    })
    const changed = many.map(one => (one.name === 't1001' ? table('t1001', [[5n, 6n]]) : one))
    expect(
      told(
        of,
        restored(changed, {
          largeObjects: hashOf([
            [3n, 7n],
            [4n, 9n],
          ]),
        }),
      ),
    ).toEqual([
      'all other tables together: 2 rows in 2 as when they were backed up, but some of them differ',
      'large objects: 2 pieces of up to 1 MiB as when they were backed up, but some of them differ',
    ])
  })
})

describe('a drill says', () => {
  const rows: Row[] = [
    [3n, 7n],
    [4n, 8n],
  ]
  const NOTHING = { sequences: [], objects: {} }
  const recorded = {
    ...recordOf({
      rows: [
        ['s', 'p1', 1],
        ['s', 'p2', 1],
      ],
    }),
    hashes: record([table('p', rows)]),
  }
  const rootOf = new Map(['p1', 'p2'].map(name => [JSON.stringify(['s', name]), JSON.stringify(['s', 'p'])]))

  it('equal where a row moved between partitions, and counts them as they were', () => {
    const moved = {
      ...NOTHING,
      rows: [
        ['s', 'p1', 2],
        ['s', 'p2', 0],
      ] as [string, string, number][],
    }
    expect(compareContents(recorded, { ...moved, hashes: restored([table('p', rows)], { rootOf }) })).toEqual(
      {
        ...{ depth: 'contents', contents: 'equal', differences: [], notCovered: [], tables: 2, rows: 2 },
      },
    )
  })

  it('different, and each table once, also where the counts in the record contradict its hashes', () => {
    const of = { ...recordOf({ rows: [['s', 't', 3]] }), hashes: record([table('t', rows)]) }
    const reasons = (found: readonly Row[]): string[] =>
      compareContents(of, {
        ...NOTHING,
        ...{ rows: [['s', 't', found.length]], hashes: restored([table('t', found)]) },
      }).differences.map(({ reason }) => reason)
    expect(reasons(rows)).toEqual(['table s.t: 3 rows when it was backed up, 2 rows restored'])
    expect(reasons(rows.slice(1))).toHaveLength(1)
  })

  it('equal in part, different, or not compared, as it is', () => {
    const counted = { ...NOTHING, rows: recorded.rows }
    const refused = new Map([[JSON.stringify(['s', 'q']), 'for a reason']])
    const both = { ...recorded, hashes: record([table('p', rows), table('q', rows)]) }
    const part = restored([table('p', rows)], { rootOf, refused })
    expect(compareContents(both, { ...counted, hashes: part })).toMatchObject({ contents: 'equal in part' })
    const other = restored([table('p', [[3n, 7n]])], { rootOf })
    expect(compareContents(recorded, { ...counted, hashes: other })).toMatchObject({
      depth: 'contents',
      contents: 'different',
    })
    const none = compareContents(recorded, { ...counted, hashes: 'another byte order' })
    expect(none).toMatchObject({
      ...{ depth: 'counts', contents: 'not compared', differences: [] },
      notCovered: [{ table: 's.p', reason: 'another byte order' }],
    })
    const { hashes: _, ...old } = recorded
    expect(compareContents(old, counted)).toMatchObject({
      depth: 'counts',
      contents: 'not compared',
      notCovered: [],
    })
    const fewer = { ...NOTHING, rows: recorded.rows.slice(1) }
    expect(compareContents(old, fewer)).toMatchObject({ depth: 'counts', contents: 'different' })
  })

  it('equal of a database without tables, and not compared where no table could be', () => {
    const empty = { ...recordOf({ rows: [] }), hashes: record([]) }
    expect(compareContents(empty, { ...NOTHING, rows: [], hashes: restored([]) })).toMatchObject({
      depth: 'contents',
      contents: 'equal',
    })
    const all = {
      ...recordOf({ rows: [['s', 't', 1]] }),
      hashes: record([], { leftOut: [['s', 't', 'time']] }),
    }
    expect(compareContents(all, { ...NOTHING, rows: [['s', 't', 1]], hashes: restored([]) })).toMatchObject({
      ...{ depth: 'counts', contents: 'not compared', notCovered: [{ table: 's.t' }] },
    })
  })
})
