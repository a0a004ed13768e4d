import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openSendBench, processesOf, type SendBench } from '@telegram-backup/test-support/send-bench.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const run = promisify(execFile)
let server: PostgresServer
let bench: SendBench
let database = ''
let count = 0

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openSendBench()
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

beforeEach(async () => {
  database = `shop_${process.pid}_${++count}`
  await server.sql('postgres', `create database ${database}`)
})

afterEach(async () => {
  expect(await processesOf('pg_dump', database), 'no pg_dump is left').toEqual([])
  // The server's own work, autovacuum for example, is no session; one of ours takes a moment to go once its
  // program has.
  const sessions = `select count(*) from pg_stat_activity where datname = '${database}' and backend_type = 'client backend'`
  await expect.poll(() => server.sql('postgres', sessions), { message: 'no session is left' }).toBe('0')
})

const PASSWORD = 'p@ss/w#rd: 50%'
const send = (url: string, ...more: string[]): string[] => [
  ...['--project', database, '--type', 'database', '--postgres', url],
  ...more,
]

/** What the server's own pg_dump writes, without the lines that are different each time. */
async function ownDump(): Promise<string> {
  const { stdout } = await run(join(await installedServer(), 'pg_dump'), ['-d', server.url(database)])
  return stdout.replace(/^\\(un)?restrict .*$/gm, '')
}

describe('a database', () => {
  it('comes back as pg_dump alone would have it, with the facts that a dump does not hold', async () => {
    await server.sql(
      database,
      `create role keeper_${count}; create role reader_${count} login;
       create table "größe ""x""" (id int primary key, data jsonb); alter table "größe ""x""" owner to keeper_${count};
       insert into "größe ""x""" select n, jsonb_build_object('🐘', n) from generate_series(1, 1000) n;
       select lo_create(0); comment on database ${database} is 'the shop''s';
       alter database ${database} set work_mem = '65MB'; alter database ${database} set app.jwt_secret = 'hidden';
       alter role reader_${count} in database ${database} set statement_timeout = '5s';
       grant connect on database ${database} to reader_${count}; alter database ${database} owner to keeper_${count};`,
    )
    const sent = await bench.send(send(server.url(database)))
    expect(sent.code, sent.stderr).toBe(0)
    const fetched = (await bench.fetch(sent.report)).toString()
    expect(fetched.replace(/^\\(un)?restrict .*$/gm, '')).toBe(await ownDump())
    const { source } = await bench.show(sent.report.databaseRecord?.id ?? '')
    expect(source).toMatchObject({
      kind: 'postgres',
      host: '127.0.0.1',
      database,
      filename: `${database}.sql`,
      server_version: expect.stringMatching(/^\d+/),
      server_version_num: expect.any(Number),
      encoding: 'UTF8',
      collation: expect.any(String),
      locale_provider: 'libc',
      owner: `keeper_${count}`,
      comment: "the shop's",
      connection_limit: -1,
      tablespace: 'pg_default',
      large_objects: true,
      pg_dump_version: expect.stringMatching(/^\d+/),
      format: 'plain',
      started_at: expect.stringMatching(/Z$/),
      ended_at: expect.stringMatching(/Z$/),
    })
    expect(source).not.toHaveProperty('warnings')
    expect(source?.['database_acl']).toEqual(
      expect.arrayContaining([expect.stringContaining(`reader_${count}=c/`)]),
    )
    expect(source?.['roles']).toEqual(expect.arrayContaining([`keeper_${count}`, `reader_${count}`]))
    expect(source?.['settings']).toEqual([
      { role: null, name: 'app.jwt_secret', value: null },
      { role: null, name: 'work_mem', value: '65MB' },
      { role: `reader_${count}`, name: 'statement_timeout', value: '5s' },
    ])
    expect(JSON.stringify(source)).not.toContain(encodeURIComponent(PASSWORD))
    expect(JSON.stringify(source)).not.toContain(PASSWORD)
  })

  it('in the custom format is what pg_restore reads, uncompressed', async () => {
    await server.sql(database, `create table t as select 'plainly visible' as words`)
    const sent = await bench.send(send(server.url(database), '--format', 'custom'))
    const dump = await bench.fetch(sent.report)
    expect(dump.subarray(0, 5).toString()).toBe('PGDMP')
    expect(dump.includes('plainly visible')).toBe(true)
    const path = join(bench.vault.folder, 'custom.dump')
    await writeFile(path, dump)
    const pgRestore = join(await installedServer(), 'pg_restore')
    expect((await run(pgRestore, ['--list', path])).stdout).toContain('TABLE DATA public t')
  })

  it('in part: schemas and tables in or out, a table without its rows', async () => {
    await server.sql(
      database,
      `create schema a; create schema b; create table a.x as select 'row of x' as d; create table a.y as select 'row of y' as d;
       create table b.z as select 'row of z' as d`,
    )
    const one = await bench.send(send(server.url(database), '--schema', 'a', '--exclude-table-data', 'a.y'))
    const dump = (await bench.fetch(one.report)).toString()
    expect(dump).toContain('row of x')
    expect(dump).toContain('CREATE TABLE a.y')
    expect(dump).not.toMatch(/row of y|CREATE TABLE b\.z/)
    const two = await bench.send(send(server.url(database), '--table', 'a.x', '--table', 'a.typo'))
    expect(two.code).toBe(1)
    expect(two.report.error).toContain('no matching tables')
  })

  it('with a warning of the server is backed up, the warning kept and shown', async () => {
    await server.sql(
      'postgres',
      `drop database ${database}; create database ${database} template template0 locale_provider icu icu_locale 'en' locale 'C';
       update pg_database set datcollversion = '1' where datname = '${database}'`,
    )
    const sent = await bench.send(send(server.url(database)))
    expect(sent.code).toBe(0)
    expect(sent.stderr).toMatch(/^warning: WARNING: .*collation version mismatch/m)
    const { source } = await bench.show(sent.report.databaseRecord?.id ?? '')
    expect(source?.['warnings']).toEqual([expect.stringContaining('collation version mismatch')])
  })
})
