import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dumpOf } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type DrillBench, openDrillBench } from '#test/verification/drill-bench.ts'

// Dumps that come from elsewhere: nobody reads the source a second time, so the rows of the dump count.

let bench: DrillBench
let before: string[]

const TABLES = `
create type mood as enum ('sad', 'ok'); create type pair as (a int, b text);
create table kinds (id int, f float8, g float4, b bytea, j jsonb, a text[], m mood, p pair, t timestamp, i interval, n numeric, x text);
insert into kinds values (1, 0.1, 1e-7, '\\x00ff', '{"b":1,"a":2}', '{a,"b c",NULL}', 'ok', '(1,"x,y")', '2026-01-01', '1 day', 1.50, E'\\\\.'),
  (2, '-0', 'NaN', '', null, '{}', null, null, 'infinity', '-1 mon', 'NaN', E'a\\tb\\nc\\r'), (2, '-0', 'NaN', '', null, '{}', null, null, 'infinity', '-1 mon', 'NaN', '');
create table zoned (at timestamptz); insert into zoned values ('2026-07-01 12:00:00+00');
create table nothing (); insert into nothing default values;
create table computed (a int, b int generated always as (a * 2) stored); insert into computed values (4);
create table parts (k int, v text) partition by list (k);
create table parts_1 partition of parts for values in (1); create table parts_2 partition of parts for values in (2);
insert into parts values (1, 'one'), (2, 'two'), (2, 'two');
create table parent (a int); create table child (b int) inherits (parent); insert into child values (1, 2);`

beforeAll(async () => {
  bench = await openDrillBench()
  await bench.server.sql('source', TABLES)
  before = await bench.server.databases()
})

afterEach(() => bench.expectNothingLeft(before))

afterAll(() => bench.close())

async function dumped(args: readonly string[] = [], timeZone = 'UTC'): Promise<string> {
  const url = `${bench.server.url('source')}?options=-c%20TimeZone%3D${encodeURIComponent(timeZone)}`
  return await dumpOf(url, args)
}

async function sent(dump: string, ...more: string[]): Promise<string> {
  const file = join(bench.vault.folder, 'elsewhere.sql')
  await writeFile(file, dump)
  return (await bench.send('--file', file, ...more)).id
}

it('the rows of a dump from a file are compared with the restored ones', async () => {
  const { code, report, stderr } = await bench.drill(await sent(await dumped()))
  expect(code, stderr).toBe(0)
  expect(report.drill).toMatchObject({
    ...{ state: 'passed', depth: 'dump', differences: [] },
    compared: { contents: 'equal in part', rows: 2_000 + 1 + 3 + 1 + 1 + 3 + 1 },
    not_covered: [{ table: 'public.nothing', reason: 'it has no columns' }],
  })
})

it('a table that is not as in the dump is named, with its rows', async () => {
  const id = await sent(await dumped(['--exclude-table=nothing']))
  await bench.tamperWithRecord(
    id,
    `jsonb_set(jsonb_set(source, '{contents,lines,tables,0,3}', '"${'0'.repeat(31)}1"'), '{contents,lines,tables,1,2}', '4')`,
  )
  const { code, report } = await bench.drill(id)
  expect(code).toBe(5)
  expect(report.drill).toMatchObject({ state: 'differs', depth: 'dump', compared: { contents: 'different' } })
  const { differences } = report.drill as { differences: unknown[] }
  expect(differences).toEqual([
    expect.objectContaining({ object: 'public.rows', change: 'changed' }),
    expect.objectContaining({ change: 'fewer', found: '3 rows' }),
  ])
})

it('times that a dump wrote in an unknown zone are not covered, and no difference', async () => {
  const { code, report } = await bench.drill(
    await sent(await dumped(['--table=zoned', '--table=rows'], 'Asia/Kolkata')),
  )
  expect(report.drill, report.error).toMatchObject({
    compared: { contents: 'equal in part' },
    not_covered: [{ table: 'public.zoned', reason: expect.stringContaining('time zone') }],
  })
  expect(code).toBe(0)
})

it('a dump of INSERTs is restored, and its rows are not compared', async () => {
  const { code, report } = await bench.drill(await sent(await dumped(['--inserts'])))
  expect(code).toBe(0)
  expect(report.drill).toMatchObject({
    ...{ state: 'not compared', depth: 'restored', compared: { contents: 'not compared' } },
    not_covered: [{ table: 'all tables', reason: 'its rows are INSERT statements' }],
  })
})

it('a dump through a pipe has the record, unless no proof is wanted', async () => {
  const fifo = join(bench.vault.folder, 'fifo')
  execFileSync('bash', ['-c', 'mkfifo "$0"', fifo])
  const dump = await dumped(['--load-via-partition-root'])
  const piped = async (...more: string[]): Promise<string> => {
    const [{ id }] = await Promise.all([bench.send('--file', fifo, ...more), writeFile(fifo, dump)])
    return id
  }
  expect((await bench.drill(await piped())).report.drill).toMatchObject({ depth: 'dump', differences: [] })
  expect((await bench.show(await piped('--proof', 'off'))).source).not.toHaveProperty('contents')
})
