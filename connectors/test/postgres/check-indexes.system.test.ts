import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { checkIndexes, lendAmcheck, type SoundIndexes } from '#postgres/drill/check-indexes.ts'
import { PsqlSession } from '#postgres/psql-session.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql('postgres', `create role reader login password 'pw' in role pg_read_all_data`)
})

afterAll(() => server.stop())

/** In a new database with these statements, as the reader to whom its owner lends amcheck. */
async function checked(database: string, statements: string): Promise<SoundIndexes | undefined> {
  await server.sql('postgres', `create database ${database}`)
  await server.sql(database, statements)
  const owner = parsePostgresUrl(server.url(database))
  await lendAmcheck(
    { connection: owner, isSuperuser: true, reader: 'reader' },
    { psql: 'psql', signal: new AbortController().signal },
  )
  const reader = parsePostgresUrl(server.url(database).replace(/owner:[^@]*@/, 'reader:pw@'))
  const session = new PsqlSession(reader, { psql: 'psql' })
  try {
    await session.begin('read only')
    return await checkIndexes(session)
  } finally {
    await session.close()
  }
}

it('an index that lacks rows of its table is told; sound ones are counted', async () => {
  const found = await checked(
    'broken',
    `create table sound (id int primary key, v text); insert into sound select n, n from generate_series(1, 500) n;
     create index on sound (lower(v)) where id > 3; create table broken as select n from generate_series(1, 500) n;
     create index broken_n on broken (n);
     update pg_index set indisready = false where indexrelid = 'broken_n'::regclass; insert into broken values (1000);
     update pg_index set indisready = true where indexrelid = 'broken_n'::regclass`,
  )
  expect(found?.differences).toEqual([
    expect.objectContaining({
      ...{ kind: 'index', object: 'public.broken_n', expected: 'a sound index', found: 'not sound' },
      reason: expect.stringMatching(
        /^index public\.broken_n: restored, it is not sound: .*lacks matching index/,
      ),
    }),
  ])
  expect(found?.note).toBe('amcheck has checked 3 B-tree indexes and 2 tables after the restore.')
})

it('no function of the database runs, and one that is not constant is no damage', async () => {
  const found = await checked(
    'lying',
    `create sequence calls; create function lie(int) returns int language plpgsql immutable as $f$ begin return nextval('public.calls'); end $f$;
     create table t (n int); insert into t select generate_series(1, 9); create index on t (lie(n)); create index on t (n) where lie(n) > 0`,
  )
  expect(found).toEqual({
    differences: [],
    note: 'amcheck has checked 2 B-tree indexes and 1 table after the restore: they are sound.',
  })
  expect(await server.sql('lying', 'select last_value from calls')).toBe('18')
})

it('functions that a dump has given the names of amcheck are not called', async () => {
  const found = await checked(
    'doubles',
    `create schema telegram_backup_amcheck; create table t (n int primary key);
     create function telegram_backup_amcheck.bt_index_check(regclass, boolean) returns void language sql as 'select 1 / 0';
     create function telegram_backup_amcheck.verify_heapam(regclass, boolean) returns table (msg text) language sql as 'select 1';
     grant usage on schema telegram_backup_amcheck to public`,
  )
  expect(found).toBeUndefined()
})
