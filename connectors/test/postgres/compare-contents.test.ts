import { describe, expect, it } from 'vitest'
import { contentsIn, type DatabaseContents, recordOf } from '#postgres/contents-record.ts'
import { compareContents, type RestoredContents } from '#postgres/drill/compare-contents.ts'

const NOTHING: RestoredContents = { rows: [], sequences: [], objects: {} }

/** What differs, in words. */
function told(recorded: DatabaseContents, restored: Partial<RestoredContents>): string[] {
  return compareContents(recorded, { ...NOTHING, ...restored }).differences.map(({ reason }) => reason)
}

describe('a restored database is not as it was', () => {
  it('where a table has other rows, or is not there; not where nobody has counted', () => {
    const recorded = recordOf({
      rows: [
        ['a', 'same', 3],
        ['a', 'fewer', 3],
        ['a', 'gone', 0],
        ['a', 'unknown', null],
      ],
    })
    const restored: RestoredContents['rows'] = [
      ['a', 'same', 3],
      ['a', 'fewer', 2],
    ]
    expect(told(recorded, { rows: restored })).toEqual([
      'table a.fewer: 3 rows when it was backed up, 2 rows restored',
      'table a.gone: 0 rows when it was backed up, no such table restored',
    ])
    expect(compareContents(recorded, { ...NOTHING, rows: restored })).toMatchObject({ tables: 3, rows: 6 })
  })

  it('not where the drill cannot count: that table is not covered', () => {
    const many = Array.from({ length: 1001 }, (_, at): [string, string, number] => ['a', `t${at}`, 2000 - at])
    const restored = many.map(([schema, name, rows], at): RestoredContents['rows'][number] => [
      ...([schema, name] as const),
      at === 5 || at === 1000 ? null : rows,
    ])
    expect(compareContents(recordOf({ rows: many }), { ...NOTHING, rows: restored })).toMatchObject({
      differences: [],
      notCovered: [
        { table: 'a.t5', reason: 'in the drill, its rows could not be counted' },
        { table: 'all other tables together', reason: 'in the drill, its rows could not be counted' },
      ],
    })
  })

  it('where a sequence is not between what it was before and after the dump', () => {
    const recorded = recordOf({
      rows: [],
      sequences: {
        before: [
          ['s', 'still', '7'],
          ['s', 'moved', '9007199254740993'],
          ['s', 'begun', null],
          ['s', 'down', '-1'],
        ],
        after: [
          ['s', 'still', '7'],
          ['s', 'moved', '9007199254740995'],
          ['s', 'begun', '2'],
          ['s', 'down', '-3'],
          ['s', 'made meanwhile', '1'],
        ],
      },
    })
    const right: RestoredContents['sequences'] = [
      ['s', 'still', '7'],
      ['s', 'moved', '9007199254740994'],
      ['s', 'begun', '1'],
      ['s', 'down', '-2'],
    ]
    expect(told(recorded, { sequences: right })).toEqual([])
    expect(
      told(recorded, {
        sequences: [
          ['s', 'still', null],
          ['s', 'moved', '9007199254740996'],
          ['s', 'down', '-2'],
        ],
      }),
    ).toEqual([
      'sequence s.still: 7 when it was backed up, no value yet restored',
      'sequence s.moved: 9007199254740993 to 9007199254740995 when it was backed up, 9007199254740996 restored',
      'sequence s.begun: no value yet to 2 when it was backed up, no such sequence restored',
    ])
  })

  it('where there are other objects; a kind that this program does not count says nothing', () => {
    const recorded = recordOf({ rows: [], objects: { views: 2, indexes: 3, wonders: 7 } })
    expect(told(recorded, { objects: { views: 2, indexes: 2 } })).toEqual([
      'indexes: 3 when it was backed up, 2 restored',
    ])
  })
})

describe('a record of ten thousand tables', () => {
  const rows = Array.from({ length: 10_000 }, (_, n): [string, string, number] => ['public', `table_${n}`, n])

  it('names the thousand largest, and holds the others together', () => {
    const recorded = recordOf({ rows })
    expect(recorded.rows).toHaveLength(1000)
    expect(recorded).toMatchObject({
      tables: 10_000,
      counted: 10_000,
      others: { tables: 9000, rows: 40_495_500 },
    })
    expect(JSON.stringify(recorded).length).toBeLessThan(50_000)
    expect(told(recorded, { rows })).toEqual([])
    const changed = rows.map((row): [string, string, number] => (row[2] === 5 ? ['public', row[1], 6] : row))
    expect(told(recorded, { rows: changed })).toEqual([
      'table all other tables together: 40495500 rows in 9000 when it was backed up, 40495501 rows in 9000 restored',
    ])
  })

  it('says nothing of the others where one of them was not counted', () => {
    const uncounted = rows.map((row): [string, string, number | null] =>
      row[2] === 5 ? ['public', row[1], null] : row,
    )
    expect(recordOf({ rows: uncounted })).not.toHaveProperty('others')
  })
})

it('facts of a backup that hold no record, or something else in its place, are none', () => {
  for (const facts of [null, {}, { contents: null }, { contents: 'much' }, { contents: { tables: 1 } }]) {
    expect(contentsIn(facts)).toBeUndefined()
  }
})

it('a record may name kinds of objects as properties that every object has', () => {
  const names = Object.getOwnPropertyNames(Object.prototype)
  const objects = Object.fromEntries(names.map(name => [name, 1]))
  expect(told(recordOf({ rows: [], objects }), { objects: {} })).toEqual([])
})
