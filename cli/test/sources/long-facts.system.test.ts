import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

let server: PostgresServer
let bench: RestoreBench

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

test('a database’s owner cannot make every list of backups megabytes', async () => {
  await server.sql('postgres', 'create role guest; create database long_words owner guest')
  await server.sql(
    'long_words',
    `create table one as select 1 as id; set role guest;
     do $$ begin
       execute format('comment on database long_words is %L', repeat(md5('x'), 100000));
       execute format('alter database long_words set search_path to %L', repeat(md5('y'), 20000));
       alter database long_words set work_mem to '5MB';
     end $$`,
  )
  const backup = await bench.send('--postgres', server.url('long_words'))
  const listed = await bench.cli(['list', '--json'])
  expect(listed.code, listed.stderr).toBe(0)
  expect(listed.stdout.length).toBeLessThan(1_000_000)
  expect(JSON.stringify(backup.source?.['warnings'])).toContain('too long to be recorded completely')
})
