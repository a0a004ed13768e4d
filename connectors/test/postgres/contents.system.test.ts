import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import type { PgDumpOptions } from '#postgres/dump/pg-dump-arguments.ts'
import { openPostgresSource } from '#postgres/dump/pg-dump-source.ts'

let server: PostgresServer
let database = ''
let count = 0

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
})

afterAll(() => server.stop())

beforeEach(async () => {
  database = `contents_${++count}`
  await server.sql('postgres', `create database ${database}`)
})

afterEach(async () => {
  // The server's own work, autovacuum for example, is no session; one of ours takes a moment to go once its
  // psql has.
  const sessions = `select count(*) from pg_stat_activity where datname = '${database}' and backend_type = 'client backend'`
  await expect.poll(() => server.sql('postgres', sessions), { message: 'no session is left' }).toBe('0')
})

const EVERYTHING: PgDumpOptions = {
  format: 'plain',
  schemas: [],
  excludeSchemas: [],
  tables: [],
  excludeTables: [],
  excludeTableData: [],
  lockTimeoutMs: 60_000,
  proof: 'count',
}

/** Dumps to the end; `meanwhile` runs once pg_dump and the session beside it are at work. */
async function dump(
  options: Partial<PgDumpOptions> = {},
  { url = server.url(database), meanwhile }: { url?: string; meanwhile?: () => Promise<void> } = {},
): Promise<{ dump: string; contents: DatabaseContents | undefined }> {
  const source = await openPostgresSource(url, { ...EVERYTHING, ...options })
  try {
    await meanwhile?.()
    const { fd } = source.archiveSource as { fd: number }
    // Opened once more without waiting for a writer: pg_dump may have ended by now.
    const again = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
    const read = await text(new Socket({ fd: again, readable: true, writable: false }))
    const { facts } = await source.finish(read.length)
    return { dump: read, contents: facts?.['contents'] as DatabaseContents | undefined }
  } finally {
    await source.close()
  }
}

/** Rows of a table in a plain dump. */
function rowsIn(dumped: string, table: string): number {
  const [, rows = ''] =
    new RegExp(`^COPY public\\.${table} .*;\\n([\\s\\S]*?)^\\\\\\.$`, 'm').exec(dumped) ?? []
  return rows.split('\n').length - 1
}

describe('what a database holds is recorded with its dump', () => {
  it('as it is in the dump, whatever others write meanwhile', async () => {
    await server.sql(
      database,
      `create table a as select n, repeat('x', 200) as body from generate_series(1, 20000) n; create table b (n int);
       create sequence s; select nextval('s')`,
    )
    let isWriting = true
    const writing = (async () => {
      while (isWriting) {
        await server.sql(
          database,
          `insert into a select n, 'y' from generate_series(1, 500) n; insert into b select 1 from generate_series(1, 500); select nextval('s')`,
        )
      }
    })()
    try {
      const { dump: dumped, contents } = await dump()
      const rows = Object.fromEntries((contents?.rows ?? []).map(([, table, many]) => [table, many]))
      expect(rows).toEqual({ a: rowsIn(dumped, 'a'), b: rowsIn(dumped, 'b') })
      expect(rows['a']).toBeGreaterThanOrEqual(20_000)
      const value = Number(/setval\('public\.s', (\d+), true\)/.exec(dumped)?.[1])
      const [[schema, name, from, to] = []] = contents?.sequences ?? []
      expect([schema, name]).toEqual(['public', 's'])
      expect(Number(from)).toBeLessThanOrEqual(value)
      expect(Number(to)).toBeGreaterThanOrEqual(value)
    } finally {
      isWriting = false
      await writing
    }
  })

  it('by name and kind, without what extensions and PostgreSQL itself bring', async () => {
    await server.sql(
      database,
      `create extension hstore; create schema "Größe ""x"""; create table "Größe ""x"""."Tabelle; drop" (id int primary key, v text check (v <> ''));
       insert into "Größe ""x"""."Tabelle; drop" values (1, 'a'), (2, 'b');
       create table parents (id serial, at date) partition by range (at); create table parents_1 partition of parents for values from ('2026-01-01') to ('2027-01-01');
       insert into parents (at) values ('2026-05-05'); create index on parents (at); create view v as select 1;
       create type r as range (subtype = float8); create function f() returns int language sql as 'select 1'; select lo_create(0)`,
    )
    const { contents } = await dump()
    expect(contents).toMatchObject({
      tables: 2,
      counted: 2,
      rows: [
        ['Größe "x"', 'Tabelle; drop', 2],
        ['public', 'parents_1', 1],
      ],
      sequences: [['public', 'parents_id_seq', '1', '1']],
      objects: {
        ...{
          schemas: 1,
          tables: 3,
          views: 1,
          sequences: 1,
          extensions: 1,
          types: 1,
          functions: 1,
          indexes: 3,
        },
        ...{ constraints: 2, triggers: 0, policies: 0, 'large objects': 1 },
      },
    })
    expect(contents).not.toHaveProperty('others')
  })

  it('of the tables that are dumped with their rows, by the patterns that pg_dump goes by', async () => {
    await server.sql(
      database,
      `create schema a; create schema b; create table a.x (); create table a."Y" (); create table a.yy (); create table b.z (); create table x ()`,
    )
    const namesOf = async (options: Partial<PgDumpOptions>): Promise<string[]> => {
      const { dump: dumped, contents } = await dump(options)
      const names = (contents?.rows ?? []).map(([schema, table]) => `${schema}.${table}`).sort()
      const copied = [...dumped.matchAll(/^COPY (\S+) /gm)].map(([, name = '']) => name.replaceAll('"', ''))
      expect(names, 'as pg_dump does').toEqual(copied.sort())
      expect(contents).not.toHaveProperty('sequences')
      expect(contents).not.toHaveProperty('objects')
      return names
    }
    expect(await namesOf({ schemas: ['A'] })).toEqual(['a.Y', 'a.x', 'a.yy'])
    expect(await namesOf({ excludeSchemas: ['b*'], excludeTables: ['a.Y*', 'x'] })).toEqual(['a.Y', 'a.x'])
    expect(await namesOf({ tables: ['*.x', 'a."Y"'] })).toEqual(['a.Y', 'a.x', 'public.x'])
    const { contents } = await dump({ excludeTableData: ['?.y?', 'x'] })
    expect(contents?.rows.map(([, table]) => table).sort()).toEqual(['Y', 'x', 'z'])
    expect(contents?.objects?.['tables']).toBe(5)
  })

  it('of more tables than are named: the others together, unless some come without their rows', async () => {
    await server.sql(
      database,
      `do $$ begin for n in 1..1002 loop execute format('create table t%s as select 1 as a', n); end loop; end $$`,
    )
    // Nobody reads the dump before all are counted, however long that takes.
    const locked = `select count(*) from pg_locks join pg_stat_activity using (pid) join pg_class on pg_class.oid = relation
      where application_name = 'telegram-backup count' and relname ~ '^t[0-9]+$' and state = 'idle in transaction'`
    const whenCounted = (tables: number) => async (): Promise<void> => {
      while ((await server.sql(database, locked)) !== String(tables)) await delay(50)
    }
    const { contents } = await dump({}, { meanwhile: whenCounted(1002) })
    expect(contents).toMatchObject({ tables: 1002, counted: 1002, others: { tables: 2, rows: 2 } })
    const without = await dump({ excludeTableData: ['t7'] }, { meanwhile: whenCounted(1001) })
    expect(without.contents).toMatchObject({ tables: 1001, counted: 1001 })
    // Restored, t7 is another one that is not named.
    expect(without.contents).not.toHaveProperty('others')
  })

  it('without the rows, where a second read of each table is not wanted', async () => {
    await server.sql(
      database,
      `create sequence s; select nextval('s'); create table t as select n from generate_series(1, 100) n`,
    )
    const { dump: dumped, contents } = await dump({ proof: 'off' })
    expect(rowsIn(dumped, 't')).toBe(100)
    expect(contents).toMatchObject({
      ...{ tables: 1, counted: 0, rows: [['public', 't', null]], sequences: [['public', 's', '1', '1']] },
      objects: { tables: 1, sequences: 1 },
    })
  })
})

describe('the count never fails a backup', () => {
  it('whose user has no second connection: the dump goes on without', async () => {
    await server.sql(
      database,
      `create role lonely_${count} login password 'pw' connection limit 1; create table t as select 1 as a; grant select on t to lonely_${count}`,
    )
    const url = server.url(database).replace(/owner:[^@]*@/, `lonely_${count}:pw@`)
    const { dump: dumped, contents } = await dump({}, { url })
    expect(rowsIn(dumped, 't')).toBe(1)
    expect(contents).toBeUndefined()
  })

  it('whose session the server ends: what was not counted is told as that', async () => {
    await server.sql(
      database,
      `create table t as select n, repeat(md5(n::text), 10) as body from generate_series(1, 50000) n`,
    )
    const end = `select count(pg_terminate_backend(pid)) from pg_stat_activity
      where datname = '${database}' and application_name = 'telegram-backup count'`
    // The dump is larger than a pipe: until it is read, pg_dump and the session wait.
    const meanwhile = async (): Promise<void> => {
      while ((await server.sql('postgres', end)) !== '1') await delay(10)
    }
    const { dump: dumped, contents } = await dump({}, { meanwhile })
    expect(rowsIn(dumped, 't')).toBe(50_000)
    for (const [, , many] of contents?.rows ?? []) expect([null, 50_000]).toContain(many)
    // Was it ended before the first table, there is no record at all.
    expect(contents ?? {}).not.toHaveProperty('sequences')
  })
})
