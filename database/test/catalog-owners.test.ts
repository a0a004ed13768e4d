import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Database, migrate, openDatabase, rolesWithRights } from '#index.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'

// What another role owns in the catalog would run with the rights of the catalog's user, and so of a
// superuser if that is one.

let server: PostgresServer
/** As the superuser, to a database of the test's own. */
let url: string
let superuser: pg.Client
const opened: Database[] = []
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
})
afterAll(() => server.stop())
beforeEach(() => enter())
afterEach(leave)

/** Goes to a new database: an empty one, or a copy of the one named. */
async function enter(template?: string): Promise<void> {
  url = await server.newDatabase(template)
  superuser = new pg.Client({ connectionString: url })
  await superuser.connect()
  await superuser.query(`do $$ begin
    create role mallory; create role keeper login password 'k'; create role shared_owner; create role reader;
  exception when duplicate_object then null; end $$`)
  await superuser.query(`do $$ begin
    execute format('grant create on database %I to mallory, keeper, shared_owner', current_database());
  end $$`)
}

async function leave(): Promise<void> {
  for (const database of opened.splice(0)) await database.close()
  await superuser.end()
}

async function open(as?: 'keeper'): Promise<Database> {
  const address = new URL(url)
  if (as) [address.username, address.password] = [as, 'k']
  const database = await openDatabase({ url: address.href })
  opened.push(database)
  return database
}

const asMallory = (statements: string): Promise<unknown> =>
  superuser.query(`set role mallory; ${statements}; reset role`)

async function refused(database: Database, what: RegExp): Promise<void> {
  await expect(migrate(database)).rejects.toMatchObject({
    name: 'CatalogError',
    code: 'CONFIGURATION',
    message: expect.stringMatching(what),
    hint: expect.stringMatching(/OWNER TO/),
  })
}

describe.each([
  ['a superuser', undefined],
  ['a role of its own', 'keeper'],
] as const)('with %s as the catalog’s user', (_, as) => {
  test.each(['control_plane', 'pgboss'])(
    'a schema %s that another role has made first is refused, and nothing is made in it',
    async schema => {
      await asMallory(`create schema ${schema}; grant all on schema ${schema} to public`)
      await refused(await open(as), new RegExp(`schema ${schema} belongs to role "mallory"`))
      const { rows } = await superuser.query(
        `select relname from pg_class where relnamespace = '${schema}'::regnamespace`,
      )
      expect(rows).toEqual([])
    },
  )

  describe('a catalog that has its tables', () => {
    let migrated: string
    beforeAll(async () => {
      await enter()
      await migrate(await open(as))
      migrated = new URL(url).pathname.slice(1)
      await leave()
    })
    beforeEach(async () => {
      await leave()
      await enter(migrated)
    })

    test.each([
      ['table', 'create table control_plane.planted (id int)', /table control_plane.planted/],
      [
        'function',
        'create function control_plane.planted() returns int language sql as $$ select 1 $$',
        /function control_plane.planted\(\)/,
      ],
      ['view', 'create view control_plane.planted as select 1 as one', /view control_plane.planted/],
      ['type', "create type control_plane.planted as enum ('a')", /type control_plane.planted/],
      [
        'operator',
        'create function public.p(int, int) returns bool language sql as $$ select true $$; create operator control_plane.=== (leftarg = int, rightarg = int, function = public.p)',
        /operator control_plane.===/,
      ],
    ])(
      'a %s of another role in the catalog’s schema is refused, by its name',
      async (_kind, statement, what) => {
        const database = await open(as)
        await superuser.query(
          'grant usage, create on schema control_plane to mallory; grant create on schema public to mallory',
        )
        await asMallory(statement)
        await refused(database, what)
      },
    )

    test.each([
      [
        'trigger',
        'create trigger planted before insert on control_plane.jobs for each row execute function public.planted()',
        'trigger',
      ],
      ['check', 'alter table control_plane.jobs add check (public.planted())', 'boolean'],
      ['default', 'alter table control_plane.jobs alter worker set default public.planted()', 'text'],
    ])(
      'a function of another role that a %s of a table calls is refused, by its name',
      async (_kind, statement, returns) => {
        const database = await open(as)
        await superuser.query('grant create on schema public to mallory')
        await asMallory(
          `create function public.planted() returns ${returns} language plpgsql immutable as $$ begin return null; end $$`,
        )
        await superuser.query(statement)
        await refused(database, /function public.planted\(\) belongs to role "mallory"/)
      },
    )
  })
})

test('what a superuser made for the catalog’s user, and what a role owns that it is a member of, is no stranger’s', async () => {
  await superuser.query('create schema control_plane; grant usage, create on schema control_plane to keeper')
  const database = await open('keeper')
  await migrate(database)
  await superuser.query(
    'grant shared_owner to keeper; alter table control_plane.jobs owner to shared_owner; alter schema control_plane owner to shared_owner',
  )
  expect(await migrate(await open('keeper'))).toEqual([])
  await superuser.query('revoke shared_owner from keeper')
  await refused(await open('keeper'), /schema control_plane belongs to role "shared_owner"/)
})

test('the owner of the database who has made everything goes on', async () => {
  await superuser.query(
    `do $$ begin execute format('alter database %I owner to keeper', current_database()); end $$`,
  )
  await migrate(await open('keeper'))
  expect(await migrate(await open('keeper'))).toEqual([])
})

test('default privileges give nobody a right in the catalog, and a role that was given one is told by its name', async () => {
  await superuser.query(`alter default privileges grant all on tables to public; alter default privileges grant all on schemas to public;
    alter default privileges grant all on sequences to public; alter default privileges grant all on functions to public`)
  const database = await open()
  await migrate(database)
  expect(await rolesWithRights(database)).toEqual([])
  await expect(superuser.query('set role mallory; select from control_plane.api_keys')).rejects.toThrow(
    /permission denied/,
  )
  await superuser.query('reset role; grant insert on control_plane.api_keys to reader')
  expect(await rolesWithRights(database)).toEqual(['reader'])
})

describe('when the owner of the database lets all who connect act as a role of its own', () => {
  beforeEach(async () => {
    await superuser.query(`do $$ begin
      execute format('alter database %I owner to mallory', current_database());
      set role mallory;
      execute format('alter database %I set role = mallory', current_database());
      reset role;
    end $$`)
  })

  test('a superuser as the catalog’s user makes nothing that would belong to that owner', async () => {
    await expect(open()).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(/acts as role "mallory"/),
      hint: expect.stringContaining('RESET role'),
    })
    const { rows } = await superuser.query(
      "select nspname from pg_namespace where nspname in ('control_plane', 'pgboss')",
    )
    expect(rows).toEqual([])
  })

  test('a role that was set for the catalog’s user itself, or that it is a member of, goes on', async () => {
    const [{ name }] = (await superuser.query('select current_database() as name')).rows
    await superuser.query(`alter role keeper in database "${name}" set role = shared_owner; grant shared_owner to keeper;
      grant create on database "${name}" to shared_owner`)
    expect(await migrate(await open('keeper'))).not.toEqual([])
    const { rows } = await superuser.query(
      "select nspowner::regrole::text as owner from pg_namespace where nspname = 'control_plane'",
    )
    expect(rows).toEqual([{ owner: 'shared_owner' }])
    await superuser.query('revoke shared_owner from keeper')
  })
})

test('times are read as they are, however the owner of the database has them written', async () => {
  // Hours that a time zone of one's own may be away, and no reader of times knows.
  await superuser.query(`do $$ begin
    execute format('alter database %I set datestyle = ''German, DMY''', current_database());
    execute format('alter database %I set timezone = ''<far>+167''', current_database());
    execute format('alter database %I set standard_conforming_strings = off', current_database());
  end $$`)
  const database = await open()
  const { rows } = await sql<{ time: Date; inside: { time: string }; text: string }>`
    select '2026-12-01 05:00:00+00'::timestamptz as time, 'a\\b' as text,
           jsonb_build_object('time', '2026-12-01 05:00:00+00'::timestamptz) as inside`.execute(
    database.kysely,
  )
  const [row] = rows
  expect(row).toMatchObject({ time: new Date('2026-12-01T05:00:00Z'), text: 'a\\b' })
  expect(new Date(row?.inside.time ?? '')).toEqual(row?.time)
})

test('what is written is on the disk when it is said to be, whatever the owner of the database has set', async () => {
  const waitsAfter = async (setting: string): Promise<string | undefined> => {
    await superuser.query(`do $$ begin
      execute format('alter database %I set synchronous_commit = ${setting}', current_database()); end $$`)
    const database = await open()
    const { rows } = await sql<{ waits: string }>`
      select current_setting('synchronous_commit') as waits`.execute(database.kysely)
    return rows[0]?.waits
  }
  expect(await waitsAfter('off')).toBe('on')
  // Who wants more than that, or no more than this server's own disk, has it.
  expect(await waitsAfter('remote_apply')).toBe('remote_apply')
  expect(await waitsAfter('local')).toBe('local')
})

test('a database that its owner has exchanged under a program at work is judged before anything in it is used', async () => {
  const name = new URL(url).pathname.slice(1)
  const elsewhere = new pg.Client({ connectionString: url.replace(name, 'postgres') })
  await elsewhere.connect()
  await elsewhere.query(`alter role mallory createdb; alter database "${name}" owner to mallory`)
  const database = await open('keeper')
  await migrate(database)
  await superuser.end()
  // As when the server is restarted, and he is quicker.
  await elsewhere.query(`alter database "${name}" allow_connections false`)
  await elsewhere.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)
  await elsewhere.query('set role mallory')
  await elsewhere.query(`drop database "${name}"`)
  await elsewhere.query(`create database "${name}"`)
  await elsewhere.end()
  superuser = new pg.Client({ connectionString: url })
  await superuser.connect()
  await asMallory(`create schema control_plane; create table public.ran (as_whom text); grant all on schema control_plane to public;
    grant all on schema public to public; grant all on public.ran to public;
    create function control_plane.plant() returns text volatile language sql as 'insert into public.ran values (current_user) returning as_whom';
    create view control_plane.backups as select control_plane.plant() as id; grant all on control_plane.backups to public`)
  await expect(sql`select id from control_plane.backups`.execute(database.kysely)).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringMatching(/schema control_plane belongs to role "mallory"/),
  })
  expect((await superuser.query('select as_whom from public.ran')).rows).toEqual([])
})
