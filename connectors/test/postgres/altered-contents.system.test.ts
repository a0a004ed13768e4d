import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePostgresUrl } from '#postgres/connection.ts'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import { type Comparison, compareContents } from '#postgres/drill/compare-contents.ts'
import { readContents } from '#postgres/drill/read-contents.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import { SourceSession } from '#postgres/dump/source-session.ts'
import { PsqlSession } from '#postgres/psql-session.ts'

/** A table, what it holds, and what happens to it between the send and the drill. */
interface Altered {
  is: string
  becomes: string
}

/** Each in a table of its own, whose name says what happens. */
const SEEN: Readonly<Record<string, Altered>> = {
  one_byte_of_a_text: {
    is: `(id int, v text); insert into one_byte_of_a_text select n, repeat('text ', n) from generate_series(1, 50) n`,
    becomes: `update one_byte_of_a_text set v = overlay(v placing 'T' from 6) where id = 7`,
  },
  null_for_nothing: {
    is: `(id int, v text); insert into null_for_nothing values (1, null), (2, 'x')`,
    becomes: `update null_for_nothing set v = '' where id = 1`,
  },
  null_for_its_name: {
    is: `(v text[]); insert into null_for_its_name values (array['a', null])`,
    becomes: `update null_for_its_name set v = array['a', 'NULL']`,
  },
  minus_zero: {
    is: `(v float8); insert into minus_zero values (0)`,
    becomes: `update minus_zero set v = '-0'`,
  },
  last_digit_of_a_float: {
    is: `(v float8); insert into last_digit_of_a_float values (0.1)`,
    becomes: `update last_digit_of_a_float set v = 0.10000000000000002`,
  },
  last_digit_in_an_array: {
    is: `(v float4[]); insert into last_digit_in_an_array values ('{0.1,0.2}')`,
    becomes: `update last_digit_in_an_array set v[2] = 0.20000002`,
  },
  scale_of_a_numeric: {
    is: `(v numeric); insert into scale_of_a_numeric values (1.0)`,
    becomes: `update scale_of_a_numeric set v = 1.00`,
  },
  text_of_a_json: {
    is: `(v json); insert into text_of_a_json values ('{"a": 1, "b": 2}')`,
    becomes: `update text_of_a_json set v = '{"b": 2, "a": 1}'`,
  },
  two_equal_rows_gone: {
    is: `(v text); insert into two_equal_rows_gone values ('a'), ('twin'), ('twin')`,
    becomes: `delete from two_equal_rows_gone where v = 'twin'`,
  },
  two_equal_rows_for_two_others: {
    is: `(v text); insert into two_equal_rows_for_two_others values ('a'), ('twin'), ('twin')`,
    becomes: `update two_equal_rows_for_two_others set v = 'pair' where v = 'twin'`,
  },
  values_swapped_between_rows: {
    is: `(id int, v text); insert into values_swapped_between_rows values (1, 'a'), (2, 'b')`,
    becomes: `update values_swapped_between_rows set v = case id when 1 then 'b' else 'a' end`,
  },
  values_swapped_in_a_row: {
    is: `(v text, w text); insert into values_swapped_in_a_row values ('a', 'b')`,
    becomes: `update values_swapped_in_a_row set v = w, w = v`,
  },
  comma_moved: {
    is: `(v text, w text); insert into comma_moved values ('a,b', 'c')`,
    becomes: `update comma_moved set v = 'a', w = 'b,c'`,
  },
  byte_of_a_bytea: {
    is: `(v bytea); insert into byte_of_a_bytea select string_agg(sha256(n::text::bytea), '') from generate_series(1, 5000) n`,
    becomes: `update byte_of_a_bytea set v = set_byte(v, 99999, get_byte(v, 99999) # 1)`,
  },
  element_of_an_array: {
    is: `(v int[][]); insert into element_of_an_array values ('{{1,2},{3,4}}')`,
    becomes: `update element_of_an_array set v[2][1] = 5`,
  },
  field_of_a_composite: {
    is: `(v pair); insert into field_of_a_composite values (row(1, 'x'))`,
    becomes: `update field_of_a_composite set v.b = ' x'`,
  },
  microsecond: {
    is: `(v timestamptz); insert into microsecond values ('2026-05-05 12:00:00+02')`,
    becomes: `update microsecond set v = v + interval '1 microsecond'`,
  },
  time_zone: {
    is: `(v timestamptz); insert into time_zone values ('2026-05-05 12:00:00+02')`,
    becomes: `update time_zone set v = '2026-05-05 12:00:00+01'`,
  },
  one_row_more: {
    is: `(v int); insert into one_row_more values (1)`,
    becomes: `insert into one_row_more values (2)`,
  },
  one_row_less: {
    is: `(v int); insert into one_row_less values (1), (2)`,
    becomes: `delete from one_row_less where v = 2`,
  },
  one_row_of_nothing_less: {
    is: `(); insert into one_row_of_nothing_less default values; insert into one_row_of_nothing_less default values`,
    becomes: `delete from one_row_of_nothing_less where ctid = (select max(ctid) from one_row_of_nothing_less)`,
  },
  other_name_of_a_column: {
    is: `(v int); insert into other_name_of_a_column values (1)`,
    becomes: `alter table other_name_of_a_column rename v to w`,
  },
  other_type_of_a_column: {
    is: `(v int); insert into other_type_of_a_column values (1)`,
    becomes: `alter table other_type_of_a_column alter v type bigint`,
  },
  'no longer "there"': { is: `(v int)`, becomes: `drop table "no longer ""there"""` },
}

const EQUAL: Readonly<Record<string, Altered>> = {
  as_it_was: {
    is: `(v int); insert into as_it_was select * from generate_series(1, 999)`,
    becomes: `select`,
  },
  order_of_keys: {
    is: `(v jsonb); insert into order_of_keys values ('{"a": 1, "b": 2}')`,
    becomes: `update order_of_keys set v = '{"b": 2, "a": 1}'`,
  },
  order_of_rows: {
    is: `(v int); insert into order_of_rows values (1), (2), (3)`,
    becomes: `delete from order_of_rows where v = 1; insert into order_of_rows values (1)`,
  },
  order_of_columns: {
    is: `(v int, w text); insert into order_of_columns values (1, 'x')`,
    becomes: `alter table order_of_columns add u int; update order_of_columns set u = v;
      alter table order_of_columns drop v; alter table order_of_columns rename u to v`,
  },
  moved_between_partitions: {
    is: `(v int, w text) partition by range (v); create table moved_1 partition of moved_between_partitions for values from (0) to (5);
      create table moved_2 (w text, v int); alter table moved_between_partitions attach partition moved_2 for values from (5) to (9);
      insert into moved_between_partitions select n % 9, n from generate_series(1, 90) n`,
    becomes: `create table kept as select * from moved_between_partitions; drop table moved_1, moved_2;
      create table moved_1 partition of moved_between_partitions for values from (0) to (2);
      create table moved_2 partition of moved_between_partitions for values from (2) to (9);
      insert into moved_between_partitions select * from kept; drop table kept`,
  },
  same_moment: {
    is: `(v timestamptz); insert into same_moment values ('2026-05-05 12:00:00+02')`,
    becomes: `update same_moment set v = '2026-05-05 06:00:00-04'`,
  },
  other_settings_of_the_database: {
    is: `(r regclass, t timestamptz, i interval, b bytea, f float8[], m money, x xml);
      insert into other_settings_of_the_database values ('as_it_was', now(), '1 day -2:00', '\\x00ff', '{0.1,1e-300}', 12.5, '<a/>')`,
    becomes: `alter database altered reset all`,
  },
  generated: {
    is: `(v int, twice int generated always as (v * 2) stored); insert into generated values (1)`,
    becomes: `alter table generated drop twice; alter table generated add twice int generated always as (v * 3) stored`,
  },
}

const EVERYTHING: Omit<PgDumpOptions, 'proof'> = {
  ...({ format: 'plain', lockTimeoutMs: 60_000 } as const),
  ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], excludeTableData: [] },
}

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql(
    'postgres',
    // Such settings come back with the database.
    `create database altered; alter database altered set extra_float_digits = -3; alter database altered set bytea_output = escape;
     alter database altered set timezone = 'Asia/Tokyo'; alter database altered set intervalstyle = iso_8601; alter database altered set quote_all_identifiers = on`,
  )
})

afterAll(() => server.stop())

async function run(statements: string): Promise<void> {
  await server.sql('altered', statements)
}

async function recordedBy(proof: PgDumpOptions['proof']): Promise<DatabaseContents> {
  const session = await SourceSession.begin(parsePostgresUrl(server.url('altered')), undefined)
  const now = Promise.resolve()
  const contents = await session.contents({ ...EVERYTHING, proof }, { dumpEnded: now, partsSent: now })
  if (contents === undefined) throw new Error('Nothing was recorded')
  return contents
}

async function comparedWith(recorded: DatabaseContents): Promise<Comparison> {
  const session = new PsqlSession(parsePostgresUrl(server.url('altered')), { psql: 'psql' })
  try {
    await session.begin('read only')
    return compareContents(recorded, await readContents(session, recorded, undefined))
  } finally {
    await session.close()
  }
}

describe('a database that came back', () => {
  const records = new Map<string, DatabaseContents>()

  beforeAll(async () => {
    const tables = Object.entries({ ...SEEN, ...EQUAL })
    await run(
      `create type pair as (a int, b text);
       ${tables.map(([name, { is }]) => `create table "${name.replaceAll('"', '""')}" ${is};`).join('\n')}
       select lo_from_bytea(4711, decode(repeat('00ff', 700000), 'hex')); select lo_from_bytea(4712, '')`,
    )
    for (const proof of ['fast', 'sha256'] as const) records.set(proof, await recordedBy(proof))
  })

  it.each(['fast', 'sha256'])('is equal by %s where nothing was changed', async proof => {
    const recorded = records.get(proof) as DatabaseContents
    const { contents, differences, notCovered, depth } = await comparedWith(recorded)
    expect(differences).toEqual([])
    expect({ depth, contents }).toEqual({ depth: 'contents', contents: 'equal in part' })
    expect(notCovered).toEqual([
      { table: 'public.generated', reason: expect.stringContaining('its generated columns alone') },
    ])
  })

  describe('and was changed on its way', () => {
    beforeAll(async () => {
      await run(
        `${Object.values({ ...SEEN, ...EQUAL })
          .map(({ becomes }) => `${becomes};`)
          .join('\n')} select lo_put(4711, 1200000, '\\x01')`,
      )
    })

    it.each(['fast', 'sha256'])('is told table by table by %s, and nothing else', async proof => {
      const { contents, differences } = await comparedWith(records.get(proof) as DatabaseContents)
      expect(contents).toBe('different')
      const told = differences.filter(({ kind }) => kind === 'table').map(({ object }) => object)
      expect(told.sort()).toEqual(
        Object.keys(SEEN)
          .map(name => `public.${name}`)
          .sort(),
      )
      const changeOf = (name: string): unknown =>
        differences.find(({ object }) => object === `public.${name}`)?.change
      expect(
        ['two_equal_rows_gone', 'one_row_more', 'no longer "there"', 'one_byte_of_a_text'].map(changeOf),
      ).toEqual(['fewer', 'more', 'missing', 'changed'])
      const others = differences.filter(({ kind }) => kind !== 'table').map(({ object }) => object)
      expect(others.sort()).toEqual(['large objects', 'tables'])
    })
  })
})
