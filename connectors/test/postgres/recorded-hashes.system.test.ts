import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ODD_TABLES } from '@telegram-backup/test-support/servers/odd-tables.ts'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import type { ContentHashes } from '#postgres/contents/hash-record.ts'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import { SourceSession } from '#postgres/dump/source-session.ts'

const OLDER = '/usr/lib/postgresql/15/bin'
const OPTIONS: PgDumpOptions = {
  format: 'plain',
  proof: 'fast',
  lockTimeoutMs: 0,
  ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], excludeTableData: [] },
}
const NEVER = new Promise<void>(() => {})

let server: PostgresServer
let older: PostgresServer
beforeAll(async () => {
  const newer = await installedServer()
  server = await startPostgresServer(newer)
  older = await startPostgresServer(existsSync(OLDER) ? OLDER : newer)
  for (const each of [server, older]) await each.sql('postgres', 'create database odd')
  await older.sql('odd', ODD_TABLES)
  await server.sql('odd', (await dumpOf(older.url('odd'))).replace(/^SET transaction_timeout.*$/m, ''))
})
afterAll(async () => {
  await server.stop()
  await older.stop()
})

type Recorded = DatabaseContents & { hashes: ContentHashes }

async function contentsOf(
  from: PostgresServer,
  {
    database = 'odd',
    partsSent = NEVER,
    ...options
  }: Partial<PgDumpOptions> & { database?: string; partsSent?: Promise<void> } = {},
): Promise<Recorded> {
  const session = await SourceSession.begin(parsePostgresUrl(from.url(database)), undefined)
  const until = { dumpEnded: Promise.resolve(), partsSent }
  return (await session.contents({ ...OPTIONS, ...options }, until)) as Recorded
}

it.each(['fast', 'sha256'] as const)(
  'rows of all types are hashed alike on another major to which they were dumped (%s)',
  async proof => {
    const before = await contentsOf(older, { proof })
    const after = await contentsOf(server, { proof })
    expect(after.hashes.tables).toEqual(before.hashes.tables)
    expect(after.hashes).toMatchObject({
      ...{ algorithm: proof, probe: before.hashes.probe, large_objects: before.hashes.large_objects },
      generated: [['Größe "x"', 'Tabelle; drop']],
      left_out: [['public', 'sums', 'view']],
    })
    expect(after.hashes.large_objects?.rows).toBe(5)
    const rows = Object.fromEntries(
      after.hashes.tables.map(([schema, table, many]) => [`${schema}.${table}`, many]),
    )
    expect(rows).toEqual({
      ...{ 'public.scalars': 5, 'public.nested': 1, 'Größe "x".Tabelle; drop': 3, 'public.nothing': 2 },
      ...{ 'public.parent': 1, 'public.child': 1, 'public.parted': 100, 'public.toasted': 3 },
      ...{ 'public.wide': 1, 'public.shy': 1 },
    })
    // Partitions are counted by themselves, as before.
    expect(after.rows).toContainEqual(['public', 'parted_a0', expect.any(Number)])
  },
)

it('anybody gets the same hash by the query that the documentation gives', async () => {
  await server.sql('postgres', 'create database shown')
  await server.sql(
    'shown',
    `create table t (id int, "Note" text); insert into t select n, md5(n::text) from generate_series(1, 999) n`,
  )
  const page = await readFile(join(import.meta.dirname, '../../../docs/format.md'), 'utf8')
  const query = /```sql\n(begin isolation level [\s\S]*?)```/.exec(page)?.[1] ?? ''
  const { hashes } = await contentsOf(server, { database: 'shown' })
  expect(await server.sql('shown', query)).toBe(hashes.tables[0]?.slice(2, 4).join('|'))
})

it('what the dump holds in part is hashed in part, with the reason', async () => {
  const { hashes } = await contentsOf(server, { excludeTableData: ['parted_a*', 'scalars'] })
  expect(hashes.left_out.toSorted()).toEqual([
    ['public', 'parted_a0', 'rows'],
    ['public', 'parted_a1', 'rows'],
    ['public', 'scalars', 'rows'],
    ['public', 'sums', 'view'],
  ])
  expect(hashes.tables.map(([, table]) => table)).not.toContain('scalars')
  expect(hashes.tables.find(([, table]) => table === 'parted')?.[2]).toBe(67)
  const alone = await contentsOf(server, { tables: ['parted_rest', 'public.toasted'] })
  expect(alone.hashes.tables.map(([, table, rows]) => [table, rows])).toEqual([
    ['parted_rest', 67],
    ['toasted', 3],
  ])
  expect(alone.hashes).not.toHaveProperty('large_objects')
})

it('hashing ends when the last part is sent, and what was not read by then is left out and never equal', async () => {
  await server.sql('postgres', 'create database busy')
  const names = ['t1', 't2', 't3', 't4', 't5']
  await server.sql(
    'busy',
    `create sequence s; select nextval('s'); ${names.map(name => `create table ${name} (n int)`).join(';')}`,
  )
  const holder = spawn(
    (await newestClientProgram('psql')).path,
    ['-X', '-q', '-A', '-t', '-d', server.url('busy')],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  )
  holder.stdin.write(`begin; lock table ${names.join(', ')}; select 'held';\n`)
  await once(holder.stdout, 'data')
  try {
    const startedAt = performance.now()
    const { hashes, rows, sequences } = await contentsOf(server, {
      database: 'busy',
      partsSent: Promise.resolve(),
    })
    expect(performance.now() - startedAt).toBeLessThan(25_000)
    expect(hashes.tables).toEqual([])
    expect(hashes.left_out.map(([, table]) => table).toSorted()).toEqual(names)
    for (const [, , reason] of hashes.left_out) expect(['time', 'lock']).toContain(reason)
    expect(rows.map(([, , many]) => many)).toEqual(names.map(() => null))
    // By the other session.
    expect(sequences).toEqual([['public', 's', '1', '1']])
  } finally {
    holder.stdin.end('rollback;\n')
    await once(holder, 'exit')
  }
  const sessions = `select count(*) from pg_stat_activity where datname = 'busy' and backend_type = 'client backend'`
  await expect.poll(() => server.sql('postgres', sessions)).toBe('0')
})

it('small tables are hashed many at once, and one that is locked or fails loses no other', async () => {
  await server.sql('postgres', 'create database many')
  await server.sql(
    'many',
    `create table parted (n int) partition by list (n);
     do $$ begin for at in 1..150 loop
       execute format('create table part_%s partition of parted for values in (%s)', at, at);
     end loop; end $$;
     insert into parted select generate_series(1, 150);
     create type kind as enum ('a'); create table failing (k kind); insert into failing values ('a');
     delete from pg_enum where enumtypid = 'kind'::regtype;
     create table locked (n int); create table large as select n, repeat('x', 500) from generate_series(1, 3000) n;
     alter database many set log_statement = 'all'`,
  )
  const holder = spawn(
    (await newestClientProgram('psql')).path,
    ['-X', '-q', '-A', '-t', '-d', server.url('many')],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  )
  holder.stdin.write(`begin; lock table locked; select 'held';\n`)
  await once(holder.stdout, 'data')
  try {
    const { hashes } = await contentsOf(server, { database: 'many' })
    expect(hashes.tables.map(([, table, rows]) => [table, rows])).toEqual([
      ['large', 3000],
      ['parted', 150],
    ])
    expect(hashes.left_out.toSorted()).toEqual([
      ['public', 'failing', 'refused'],
      ['public', 'locked', 'lock'],
    ])
    expect((await server.log()).split('declare telegram_backup_hash').length).toBeLessThan(40)
  } finally {
    holder.stdin.end('rollback;\n')
    await once(holder, 'exit')
  }
})

it('a server that answers one of the sessions no more does not hold up the backup', async () => {
  await server.sql('postgres', 'create database silent')
  await server.sql('silent', 'create table t (n int)')
  const session = await SourceSession.begin(parsePostgresUrl(server.url('silent')), undefined)
  const until = { dumpEnded: Promise.resolve(), partsSent: Promise.resolve() }
  await server.sql(
    'postgres',
    `create function pid_of_other() returns int language plpgsql as $$ declare found int; begin
       loop
         perform pg_stat_clear_snapshot();
         select pid into found from pg_stat_activity
         where application_name = 'telegram-backup plan' and query ~ 'lock_timeout|^lock';
         exit when found is not null;
         perform pg_sleep(0.01);
       end loop;
       return found;
     end $$`,
  )
  const holder = spawn((await newestClientProgram('psql')).path, [
    '-X',
    '-q',
    '-A',
    '-t',
    '-d',
    server.url('silent'),
  ])
  holder.stdin.write(`begin; lock table t; select 'held';\n`)
  await once(holder.stdout, 'data')
  const other = server.sql('postgres', 'select pid_of_other()')
  const reading = session.contents(OPTIONS, until)
  const pid = Number(await other)
  process.kill(pid, 'SIGSTOP')
  try {
    const { hashes } = (await reading) as Recorded
    // It was locked until the session fell silent.
    expect(['time', 'lock']).toContain(hashes.left_out[0]?.[2])
  } finally {
    process.kill(pid, 'SIGCONT')
    holder.stdin.end('rollback;\n')
    await once(holder, 'exit')
  }
})

it('what an index lacks is hashed all the same, as pg_dump reads it', async () => {
  await server.sql('postgres', 'create database lacking; alter database lacking set random_page_cost = 1')
  const isReady = (value: boolean): string =>
    `update pg_index set indisready = ${value} where indrelid = 'queue'::regclass`
  await server.sql(
    'lacking',
    `create table queue (n int primary key); insert into queue select * from generate_series(1, 50000);
     delete from queue where n % 5000 <> 0`,
  )
  await server.sql('lacking', 'vacuum queue')
  await server.sql('lacking', isReady(false))
  await server.sql('lacking', 'insert into queue values (90001), (90002)')
  await server.sql('lacking', isReady(true))
  await server.sql('lacking', 'vacuum (index_cleanup off, analyze) queue')
  expect(await server.sql('lacking', 'explain select row(n)::text from queue')).toContain('Index Only Scan')
  const { hashes } = await contentsOf(server, { database: 'lacking' })
  expect(hashes.tables.map(([, table, rows]) => [table, rows])).toEqual([['queue', 12]])
})
