import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { expectTidyServer } from '#test/restore/tidy-server.ts'
import { openRestoreBench, type RestoreBench } from '#test/restore-bench.ts'

let server: PostgresServer
let bench: RestoreBench
let before: string[]

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  await server.sql('postgres', 'create role keeper; create database source owner keeper')
  await server.sql(
    'source',
    `create table rows (id int primary key, body text); alter table rows owner to keeper;
     insert into rows select n, md5(n::text) from generate_series(1, 2000) n`,
  )
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

beforeEach(async () => {
  before = await server.databases()
})

afterEach(() => expectTidyServer(server, before))

describe('nothing comes back, and the server stays as it was', () => {
  it.each([
    ['an error of SQL', 'create table a (x int);\nselect 1/0;\n', /division by zero/],
    [
      'an error at the commit',
      'create table a (x int unique deferrable initially deferred);\ninsert into a values (1), (1);\n',
      /duplicate key/,
    ],
    ['a command for psql', 'create table a (x int);\n\\! touch /tmp/never\n', /command for psql/],
    ['a ROLLBACK of its own', 'create table a (x int);\nROLLBACK;\ncreate table b (x int);\n', /ROLLBACK/],
    [
      'a missing role',
      'create table a (x int);\nalter table a owner to nobody_here;\n',
      /role "nobody_here" does not exist[\s\S]*--create-roles/,
    ],
    [
      'a dump that ends inside a COPY',
      'create table a (x int);\nCOPY a FROM stdin;\n1\n',
      /middle of a COPY/,
    ],
    ['a dump that ends inside a text', "create table a (x int);\nselect 'a", /middle of a string/],
    [
      'a commit hidden in a procedure',
      'create procedure p() language plpgsql as $$ begin commit; end $$;\ncall p();\n',
      /invalid transaction termination/,
    ],
    ['no SQL at all', 'Hello, world.', /syntax error/],
    ['bytes that are no text', '\0\u0001', /zero byte/],
    ['nothing at all', '', /empty/],
  ])('after %s', async (_, sql, words) => {
    const file = join(bench.vault.folder, 'bad.sql')
    await writeFile(file, sql)
    const backup = await bench.send('--file', file)
    await server.sql('postgres', 'create database in_place')
    for (const to of ['in_place', 'beside']) {
      const run = await bench.cli(['restore', backup.id, '--to', server.url(to), '--yes'])
      expect(run.stderr).toMatch(words)
      expect(run.code).toBe(1)
    }
    expect(await server.databases()).toEqual([...before, 'in_place'].sort())
    expect(await server.sql('in_place', `select count(*) from pg_tables where schemaname = 'public'`)).toBe(
      '0',
    )
    const shown = await bench.show(backup.id)
    expect(shown.restore_count).toBe(0)
    expect(shown.damaged_at).toBeNull()
    expect(shown.history.at(-1)).toMatchObject({ event: 'restore failed' })
  })

  it('when nobody can be asked', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    const run = await bench.cli(['restore', backup.id, '--to', server.url('fresh'), '--json'])
    expect(run.code).toBe(2)
    expect(run.json()).toMatchObject({
      success: false,
      code: 'USAGE',
      hint: expect.stringContaining('--yes'),
    })
    expect(run.stderr).toMatch(/Way +loads into a temporary database, .*, then renames it to fresh$/m)
    expect(run.stderr).toMatch(/^Estimate +\S+ to fetch, plus the time to load$/m)
    expect((await bench.show(backup.id)).history.at(-1)?.event).toBe('complete')
  })

  it.each([
    ['a server that is not there', 'postgresql://owner@127.0.0.1:1/x', 1],
    ['a URL without a database', 'postgresql://owner@127.0.0.1:1', 2],
    ['a directory for a database', '/tmp/some-directory', 2],
    ['a template of new databases', () => server.url('template1'), 2],
  ])('for %s', async (_, place, code) => {
    const to = typeof place === 'string' ? place : place()
    const backup = await bench.send('--postgres', server.url('source'))
    const run = await bench.cli(['restore', backup.id, '--to', to, '--yes'])
    expect(run.code, run.stderr).toBe(code)
  })
})
