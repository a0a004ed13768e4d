import {
  addHashes,
  bucketsText,
  type ContentHash,
  differingBuckets,
  sumsText,
} from '@telegram-backup/connectors/postgres/contents/content-hash.ts'
import type { HashAlgorithm } from '@telegram-backup/connectors/postgres/contents/hash-record.ts'
import {
  hashTable,
  prepareHashing,
  readHashable,
} from '@telegram-backup/connectors/postgres/contents/hash-tables.ts'
import { readColumns } from '@telegram-backup/connectors/postgres/contents/table-columns.ts'
import { newCatalog, type ServedCatalog } from '@telegram-backup/test-support/catalog-server.ts'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'

let catalog: ServedCatalog | undefined
let client: pg.Client

beforeAll(async () => {
  catalog = await newCatalog()
  client = new pg.Client({ connectionString: catalog?.url })
  await client.connect()
  await client.query(`create schema hashed; create type hashed.pair as (x float8, "Note" text)`)
})

afterAll(async () => {
  await client.end()
  await catalog?.drop()
})

/** What psql gives: the value of the last statement that has one. */
const session = {
  isOpen: true,
  ask: async (sql: string): Promise<unknown> => {
    const answered: pg.QueryResult[] = [await client.query(sql)].flat()
    return Object.values(answered.findLast(({ rows }) => rows.length > 0)?.rows[0] ?? {})[0]
  },
}

/** Values whose texts are all different values. */
const VALUES = {
  int8: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  text: fc.string({ unit: 'grapheme' }).map(text => text.replaceAll('\0', '')),
  float8: fc.double().map(number => (Object.is(number, -0) ? '-0' : String(number))),
  bytea: fc.uint8Array().map(bytes => `\\x${Buffer.from(bytes).toString('hex')}`),
  timestamptz: fc
    .date({ min: new Date('1900-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
    .map(time => time.toISOString()),
  'text[]': fc.array(fc.string({ unit: fc.constantFrom('a', ',', '"', '\\', '{', ' ', '\t') }), {
    minLength: 1,
  }),
  'hashed.pair': fc
    .tuple(fc.integer(), fc.string({ unit: fc.constantFrom('b', ',', '(', ' ') }))
    .map(([x, note]) => `(${x},"${note}")`),
} as const
type Type = keyof typeof VALUES
type Cell = string | string[] | null

const cellOf = (type: Type): fc.Arbitrary<Cell> => fc.option(VALUES[type] as fc.Arbitrary<Cell>, { freq: 8 })

const TABLES = fc
  .array(fc.constantFrom(...(Object.keys(VALUES) as Type[])), { minLength: 1, maxLength: 5 })
  .chain(types =>
    fc.record({
      types: fc.constant(types),
      rows: fc.array(fc.tuple(...types.map(cellOf)), { minLength: 1, maxLength: 12 }),
      order: fc.infiniteStream(fc.nat(1_000_000)),
      algorithm: fc.constantFrom<HashAlgorithm>('fast', 'sha256'),
    }),
  )

const nameOf = (at: number): string => ['b', 'A', 'é', 'a b', '"'][at] ?? `c${at}`
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Columns in an order of its own, the values by the names. */
async function make(
  table: string,
  { types, rows, order }: { types: readonly Type[]; rows: readonly Cell[][]; order: readonly number[] },
): Promise<void> {
  const columns = order.map(at => `${quoted(nameOf(at))} ${types[at]}`)
  await client.query(`create table hashed.${table} (dropped int, ${columns.join(', ')});
    alter table hashed.${table} drop column dropped`)
  for (const row of rows) {
    const places = order.map((at, index) => `$${index + 1}::${types[at]}`)
    await client.query(
      `insert into hashed.${table} values (${places.join(', ')})`,
      order.map(at => row[at]),
    )
  }
}

async function hashOf(table: string, algorithm: HashAlgorithm): Promise<ContentHash> {
  const relation = (await readHashable(session)).find(({ name }) => name === table)
  if (relation === undefined) throw new Error(`no ${table}`)
  // What is made before stays.
  await prepareHashing(session)
  const [{ columns } = { columns: [] }] = await readColumns(session, [relation])
  const hash = await hashTable(session, { ...relation, columns }, { algorithm, floats: 'text' })
  if (typeof hash === 'string') throw new Error(hash)
  return hash
}

const shuffled = <One>(list: readonly One[], keys: readonly number[]): One[] =>
  list
    .map((one, at) => [keys[at] ?? 0, one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)

async function undoing(use: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await client.query(`select set_config('search_path', '', true)`)
    await use()
  } finally {
    await client.query('rollback')
  }
}

it('equal rows have equal hashes, in whatever order rows and columns lie, and any change shows', async () => {
  await fc.assert(
    fc.asyncProperty(TABLES, fc.nat(), async ({ types, rows, order, algorithm }, which) => {
      const keys = [...order.take(40)]
      const natural = types.map((_, at) => at)
      await undoing(async () => {
        await make('one', { types, rows, order: natural })
        await make('two', { types, rows: shuffled(rows, keys), order: shuffled(natural, keys.slice(20)) })
        const hash = await hashOf('one', algorithm)
        expect(await hashOf('two', algorithm)).toEqual(hash)
        // The same row twice more, and then two of three equal ones gone: what xor would not see.
        const again = [...rows, ...Array<Cell[]>(2).fill(rows[which % rows.length] as Cell[])]
        await make('three', { types, rows: again, order: natural })
        const more = await hashOf('three', algorithm)
        expect(sumsText(more)).not.toBe(sumsText(hash))
        const at = which % types.length
        const row = which % rows.length
        const [other] = fc.sample(
          cellOf(types[at] as Type).filter(cell => String(cell) !== String(rows[row]?.[at])),
          1,
        )
        const changed = rows.map((cells, index) => (index === row ? cells.with(at, other ?? null) : cells))
        await make('four', { types, rows: changed, order: natural })
        const altered = await hashOf('four', algorithm)
        expect(altered.rows).toBe(hash.rows)
        expect(sumsText(altered)).not.toBe(sumsText(hash))
        expect(differingBuckets(bucketsText(hash), bucketsText(altered)).length).toBeLessThanOrEqual(2)
      })
    }),
    { numRuns: 15 },
  )
})

it('partitions add up to the same, however rows are distributed, and so do the halves of any table', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 99 }),
      async (numbers, border) => {
        await undoing(async () => {
          await client.query(`create table hashed.whole (n int); create table hashed.parted (n int) partition by range (n);
            create table hashed.low partition of hashed.parted for values from (0) to (${border});
            create table hashed.high (x int, n int); alter table hashed.high drop column x;
            alter table hashed.parted attach partition hashed.high for values from (${border}) to (100)`)
          for (const table of ['whole', 'parted']) {
            await client.query(`insert into hashed.${table} select unnest($1::int[])`, [numbers])
          }
          const parts = (await readHashable(session)).filter(({ root }) => root?.name === 'parted')
          expect(parts.map(({ name }) => name).sort()).toEqual(['high', 'low'])
          const [low, high] = [await hashOf('low', 'fast'), await hashOf('high', 'fast')]
          expect(addHashes(low, high)).toEqual(await hashOf('whole', 'fast'))
        })
      },
    ),
    { numRuns: 15 },
  )
})

it('NULL is not an empty text, a cut is not a comma, and no sign of zero gets lost', async () => {
  await undoing(async () => {
    const different = [
      [`'a', 'b'`, `'a,b', null`, `'', 'a'`, `null, 'a'`, `'a', ''`, `'a', null`, `'(a', 'b)'`, `'"', ''`],
      [
        '0::float8, 1',
        `'-0'::float8, 1`,
        '0.1::float8, 1',
        '0.1::float8 + 1e-18, 1',
        '0.30000000000000004::float8, 1',
      ],
    ]
    const seen = new Set<string>()
    for (const [at, values] of different.flat().entries()) {
      await client.query(
        `create table hashed.t${at} as select ${values}`.replace(
          /select (.*), (.*)$/,
          'select $1 as a, $2 as b',
        ),
      )
      seen.add(sumsText(await hashOf(`t${at}`, 'fast')))
    }
    // 0.1 and 1e-18 more than it are one number.
    expect(seen.size).toBe(different.flat().length - 1)
  })
})
