import { openRestoreBench, type RestoreBench } from '@telegram-backup/test-support/restore-bench.ts'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let server: PostgresServer
let bench: RestoreBench

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  await server.sql('postgres', 'create role keeper; create database source')
  await server.sql(
    'source',
    `create schema sales authorization keeper; create schema "Weird one"; create type sales.mood as enum ('good', 'bad');
     create table sales.customer (id serial primary key, name text); insert into sales.customer (name) values ('a'), ('b');
     create table "Weird one".t (id int); alter table sales.customer owner to keeper;
     create table sales.visit (customer int references sales.customer, mood sales.mood);`,
  )
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

it.each(['plain', 'custom'])(
  'tables of other schemas, dumped alone (%s), come back into an empty database with their schemas',
  async format => {
    const tables = ['--table', 'sales.customer', '--table', '"Weird one".t']
    const backup = await bench.send('--postgres', server.url('source'), '--format', format, ...tables)
    expect(backup.source).not.toHaveProperty('warnings')
    const target = server.url(`of_${format}`)
    const run = await bench.cli(['restore', backup.id, '--to', target, '--yes'])
    expect(run.code, run.stderr).toBe(0)
    expect(await dumpOf(target, tables)).toBe(await dumpOf(server.url('source'), tables))
    const owner = `select pg_get_userbyid(nspowner) from pg_namespace where nspname = 'sales'`
    expect(await server.sql(`of_${format}`, owner)).toBe('keeper')
  },
)

it('what else they need is said when they are sent', async () => {
  const backup = await bench.send('--postgres', server.url('source'), '--table', 'sales.visit')
  expect(backup.source?.['warnings']).toEqual([
    expect.stringMatching(/they need table sales\.customer, type sales\.mood\. Dump their whole schema/),
  ])
})
