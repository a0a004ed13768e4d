import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

// Databases and roles may have any name, and a dump may have been through many hands.

let server: PostgresServer
let bench: RestoreBench
let backupId: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  const file = join(bench.vault.folder, 'dump.sql')
  await writeFile(file, 'CREATE TABLE restored ();\n')
  backupId = (await bench.send('--file', file)).id
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

const tablesOf = (database: string): Promise<string> =>
  server.sql(
    database,
    `select string_agg(relname, ' ') from pg_class where relnamespace = 'public'::regnamespace`,
  )

it('a database whose name has a line break is replaced, and none of a like name', async () => {
  const setUp = (name: string, role: string): string => `
    drop database if exists "${name}"; drop role if exists "${role}"; create role "${role}";
    create database "${name}" owner "${role}";`
  for (const statement of [...setUp('a\nb', 'x\ny').split(';'), ...setUp('a b', 'x y').split(';')])
    await server.sql('postgres', statement)
  await server.sql('a\nb', 'create table old ()')
  await server.sql('a b', 'create table precious ()')
  const { code, stderr } = await bench.cli([
    ...['restore', backupId, '--yes', '--overwrite', '--to', server.url('a\nb')],
  ])
  expect(await tablesOf('a b'), stderr).toBe('precious')
  expect(await tablesOf('a\nb'), stderr).toBe('restored')
  expect(code).toBe(0)
  const owner = `select pg_get_userbyid(datdba) from pg_database where datname = e'a\\nb'`
  expect(await server.sql('postgres', owner)).toBe('x\ny')
})

it('a dump comes back that went through Windows, with its line ends and the mark before its first', async () => {
  const file = join(bench.vault.folder, 'windows.sql')
  const lines = [
    ...['\ufeff--', '-- PostgreSQL database dump', '--'],
    `SET client_encoding = 'UTF8';`,
    'CREATE TABLE public.restored (a text, b text);',
    'COPY public.restored (a, b) FROM stdin;',
    ...['größe\t1', 'b\t2', '\\.', '--', '-- PostgreSQL database dump complete', ''],
  ]
  await writeFile(file, lines.join('\r\n'))
  const { id } = await bench.send('--file', file)
  const { code, stderr } = await bench.cli(['restore', id, '--yes', '--to', server.url('windows')])
  expect(code, stderr).toBe(0)
  expect(await server.sql('windows', 'select * from restored order by b')).toBe('größe|1\nb|2')
})

it('a dump that was cut off between two statements is not taken for a whole one', async () => {
  await server.sql('postgres', 'create database source; create database target')
  await server.sql('source', 'create table first (x int); create table second (x int)')
  const dump = await dumpOf(server.url('source'))
  const file = join(bench.vault.folder, 'cut.sql')
  await writeFile(file, dump.slice(0, dump.indexOf('COPY public.second')))
  const { id } = await bench.send('--file', file)
  const restored = await bench.cli(['restore', id, '--yes', '--json', '--to', server.url('target')])
  expect(await tablesOf('target')).toBe('')
  expect(restored.json()).toMatchObject({ success: false, code: 'UNRESTORABLE' })
  const drilled = await bench.cli(['verify', id, '--drill', '--json'])
  expect(drilled.json()).toMatchObject({ success: false, drill: { state: 'failed' } })
})

it('what somebody gave the name of a leftover, and keeps from being dropped, is in nobody’s way', async () => {
  await server.sql('postgres', 'create role mallory createdb')
  await server.sql(
    'postgres',
    `set session authorization mallory; create database shop_restoring_0badcafe is_template true`,
  )
  const { code, stderr } = await bench.cli(['restore', backupId, '--yes', '--to', server.url('shop')])
  expect(code, stderr).toBe(0)
  expect(await tablesOf('shop')).toBe('restored')
})
