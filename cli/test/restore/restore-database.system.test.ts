import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  dumpOf,
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
  await server.sql(
    'postgres',
    `create role keeper; create role "o'brien ""x""" login; create role reader;
     create database source owner keeper;`,
  )
  await server.sql(
    'source',
    `create table rows (id int primary key, body text); alter table rows owner to keeper;
     insert into rows select n, md5(n::text) from generate_series(1, 20000) n;
     create function "größe;"() returns text language sql as $f$ select 'BEGIN; COMMIT; \\restrict x' $f$;
     create function body() returns int begin atomic select 1; select 2; end;
     create procedure p() language plpgsql as $$ begin commit; end $$;
     create rule r as on insert to rows do also (select 1; select 2;);
     comment on table rows is E'line\\nCOMMIT;\\n\\\\! touch /tmp/x';
     select lo_from_bytea(4242, 'a large object'); select lo_from_bytea(4243, 'another'); alter large object 4242 owner to keeper;
     create table large (x bytea); insert into large select convert_to(repeat('ab', 1500000), 'UTF8');
     grant select on rows to "o'brien ""x""";`,
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

const judge = async (database: string): Promise<void> =>
  expect(
    (await dumpOf(server.url(database))) === (await dumpOf(server.url('source'))),
    'the dumps are equal',
  ).toBe(true)

describe('a database comes back', () => {
  it.each(['plain', 'custom'])('as it was, from a %s dump, into a new one, and is counted', async format => {
    const backup = await bench.send('--postgres', server.url('source'), '--format', format)
    const run = await bench.cli(['restore', backup.id, '--to', server.url('fresh'), '--yes', '--json'])
    expect(run.code, run.stderr).toBe(0)
    expect(run.json()).toMatchObject({
      success: true,
      id: backup.id,
      bytes: backup.size,
      parts: backup.part_count,
    })
    expect(run.stdout + run.stderr).not.toContain('50%')
    expect(await server.databases()).toEqual([...before, 'fresh'].sort())
    await judge('fresh')
    const owner = `select pg_get_userbyid(datdba) from pg_database where datname = 'fresh'`
    expect(await server.sql('postgres', owner)).toBe('keeper')
    const shown = await bench.show(backup.id)
    expect(shown.restore_count).toBe(1)
    expect(shown.history.at(-1)).toMatchObject({ event: 'restored', details: { bytes: backup.size } })
  })

  it('into an empty one, in place', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    await server.sql('postgres', 'create database empty')
    const oid = `select oid from pg_database where datname = 'empty'`
    const was = await server.sql('postgres', oid)
    const run = await bench.cli(['restore', backup.id, '--to', server.url('empty'), '--yes'])
    expect(run.code, run.stderr).toBe(0)
    await judge('empty')
    expect(await server.sql('postgres', oid)).toBe(was)
  })

  it('over a full one only when told so, with the old one’s owner, grants and settings, ending its sessions', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    const name = `shöp "${'x'.repeat(50)}`
    const quoted = `"${name.replaceAll('"', '""')}"`
    await server.sql('postgres', `create database ${quoted} owner keeper connection limit 7`)
    await server.sql(
      'postgres',
      `alter database ${quoted} set search_path = 'we ird', "$user", public;
       alter database ${quoted} set app.note = E'two\\nlines''\\\\';
       alter role reader in database ${quoted} set work_mem = '7MB';
       revoke connect on database ${quoted} from public; grant connect on database ${quoted} to reader with grant option;
       comment on database ${quoted} is 'the '' shop';`,
    )
    await server.sql(name, 'create table precious (x int); insert into precious values (1)')
    const refused = await bench.cli(['restore', backup.id, '--to', server.url(name), '--yes', '--json'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/not empty: it holds 1 table(,|$)/m)
    const facts = `select pg_get_userbyid(datdba), datconnlimit, datacl, shobj_description(oid, 'pg_database'),
      (select string_agg(s, '|' order by setrole, s) from pg_db_role_setting, unnest(setconfig) s where setdatabase = d.oid)
      from pg_database d where datname = '${name}'`
    const was = await server.sql('postgres', facts)
    const sleeper = server.sql(name, 'select pg_sleep(600)').catch((error: Error) => error.message)
    const asleep = `select count(*) from pg_stat_activity where query = 'select pg_sleep(600)'`
    await expect.poll(() => server.sql('postgres', asleep)).toBe('1')
    const run = await bench.cli(['restore', backup.id, '--to', server.url(name), '--yes', '--overwrite'])
    expect(run.code, run.stderr).toBe(0)
    expect(await sleeper).toMatch(/terminating connection/)
    expect(await server.databases()).toEqual([...before, name].sort())
    await judge(name)
    expect(await server.sql('postgres', facts)).toBe(was)
  })

  it('and the old one is kept on demand', async () => {
    const backup = await bench.send('--postgres', server.url('source'))
    await server.sql('postgres', 'create database kept')
    await server.sql('kept', 'create table precious (x int); insert into precious values (1)')
    const args = [
      'restore',
      backup.id,
      '--to',
      server.url('kept'),
      '--yes',
      '--overwrite',
      '--keep-old',
      '--json',
    ]
    const run = await bench.cli(args)
    const { kept_old: old } = run.json() as { kept_old: string }
    expect(old).toMatch(/^kept_before_[0-9a-f]{8}$/)
    expect(await server.sql(old, 'select * from precious')).toBe('1')
    await judge('kept')
  })

  it('with the roles that the server lacks only when told so', async () => {
    await server.sql('postgres', 'create role passing; create database passing_source owner passing')
    const backup = await bench.send('--postgres', server.url('passing_source'))
    await server.sql('postgres', 'drop database passing_source; drop role passing')
    const args = ['restore', backup.id, '--to', server.url('roled'), '--yes']
    const refused = await bench.cli(args)
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/lacks 1 of the roles.*passing[\s\S]*--create-roles/)
    expect(await server.databases()).toEqual(before)
    const run = await bench.cli([...args, '--create-roles'])
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout).toMatch(
      /These roles were created without a login: passing\.[\s\S]*ALTER ROLE "passing" LOGIN/,
    )
    const role = `select rolcanlogin, pg_get_userbyid(datdba) from pg_roles, pg_database where rolname = 'passing' and datname = 'roled'`
    expect(await server.sql('postgres', role)).toBe('f|passing')
  })

  it('for an owner who is no superuser, who is told beforehand what would not be allowed at the end', async () => {
    await server.sql(
      'postgres',
      `create role clerk login createdb password 'clerk'; create database office owner clerk`,
    )
    const as = (database: string): string => server.url(database).replace(/\/\/.*@/, '//clerk:clerk@')
    await server.sql(
      'office',
      'create table papers (x int); alter table papers owner to clerk; insert into papers values (1)',
    )
    const backup = await bench.send('--postgres', as('office'))
    await server.sql('office', 'insert into papers values (2)')
    const args = ['restore', backup.id, '--to', as('office'), '--yes', '--overwrite']
    const run = await bench.cli(args)
    expect(run.code, run.stderr).toBe(0)
    expect(await server.sql('office', 'select * from papers')).toBe('1')
    await server.sql('postgres', `alter database office set log_statement = 'all'`)
    const refused = await bench.cli(args)
    expect(refused.stderr).toMatch(/cannot be created: ERROR: +permission denied to set parameter/)
    expect(refused.code).toBe(1)
    expect(await server.databases()).toEqual([...before, 'office'].sort())
    const foreign = await bench.cli(['restore', backup.id, '--to', as('source'), '--yes', '--overwrite'])
    expect(foreign.stderr).toMatch(/belongs to keeper, and clerk may not replace it/)
    expect(foreign.code).toBe(2)
  })

  it('from a file of SQL that somebody gave, whose own transaction does not count', async () => {
    const file = join(bench.vault.folder, 'own.sql')
    await writeFile(file, 'BEGIN;\ncreate table own (x int);\nCOMMIT;\ninsert into own values (1)')
    const backup = await bench.send('--file', file)
    const run = await bench.cli(['restore', backup.id, '--to', server.url('own'), '--yes'])
    expect(run.code, run.stderr).toBe(0)
    expect(await server.sql('own', 'select * from own')).toBe('1')
  })
})
