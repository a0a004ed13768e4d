import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newestClientProgram } from '#postgres/client-programs.ts'
import { parsePostgresUrl } from '#postgres/connection.ts'
import type { ContentHashes } from '#postgres/contents/hash-record.ts'
import type { HashableRelation } from '#postgres/contents/hash-tables.ts'
import { PlanGuard } from '#postgres/contents/safe-to-plan.ts'
import type { DatabaseContents } from '#postgres/contents-record.ts'
import { SourceSession } from '#postgres/dump/source-session.ts'

const OLDER = '/usr/lib/postgresql/15/bin'
const WORD = 'the owner runs'
const OPTIONS = {
  format: 'plain',
  proof: 'fast',
  lockTimeoutMs: 0,
  ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], excludeTableData: [] },
} as const

let servers: PostgresServer[]
beforeAll(async () => {
  const folders = [await installedServer(), OLDER].filter(bin => existsSync(bin))
  servers = await Promise.all(folders.map(bin => startPostgresServer(bin)))
  for (const { sql } of servers) await sql('postgres', 'create role mallory login')
})
afterAll(async () => {
  for (const server of servers) await server.stop()
})

/** What the planner computes, of each table, when somebody reads it. */
const PLANTS: Readonly<Record<string, string>> = {
  a_predicate: 'create index on a_predicate (n) where evil(1) = 1',
  an_expression: 'create index on an_expression ((n + evil(1)))',
  an_operator: `create operator ~~~ (leftarg = int, rightarg = int, function = evil2);
    create index on an_operator (n) where 1 ~~~ 1 = 1`,
  a_statistic: 'create statistics st on (n + evil(1)), n from a_statistic',
}
const HARMLESS: Readonly<Record<string, string>> = {
  a_cast: 'create cast (a_cast as text) with function shown(a_cast) as implicit',
  a_check: 'alter table a_check add check (evil(n) = 1)',
  a_policy: `alter table a_policy enable row level security; create policy p on a_policy using (evil(n) = 1)`,
  a_generated: 'alter table a_generated add g int generated always as (evil(n)) stored',
  an_index: 'create index on an_index (lower(n::text)) where n > 0',
}

async function plant(server: PostgresServer, database: string): Promise<void> {
  await server.sql('postgres', `create database ${database} owner mallory`)
  const tables = [...Object.keys(PLANTS), ...Object.keys(HARMLESS)]
  const shown = `create function shown(a_cast) returns text language plpgsql as $$ begin raise log '${WORD} a cast'; return 'x'; end $$;`
  const evil = (name: string, args: string): string =>
    `create function ${name}(${args}) returns int language plpgsql immutable as $$ begin
       if session_user <> 'mallory' then raise log '${WORD} a function'; end if; return 1; end $$;`
  await server.sql(
    database,
    `set session authorization mallory; ${evil('evil', 'int')} ${evil('evil2', 'int, int')}
     ${tables.map(table => `create table ${table} (n int); insert into ${table} values (1), (2);`).join('\n')} ${shown}
     ${[...Object.values(PLANTS), ...Object.values(HARMLESS)].join(';\n')};
     alter database ${database} set default_transaction_isolation = 'repeatable read'`,
  )
}

function runsIn(log: string): number {
  return log.split(`LOG:  ${WORD}`).length
}

async function contentsOf(
  server: PostgresServer,
  url: string,
): Promise<DatabaseContents & { hashes: ContentHashes }> {
  const session = await SourceSession.begin(parsePostgresUrl(url), undefined)
  const before = runsIn(await server.log())
  const until = { dumpEnded: Promise.resolve(), partsSent: new Promise(() => {}) }
  const contents = await session.contents(OPTIONS, until)
  expect(runsIn(await server.log())).toBe(before)
  return contents as DatabaseContents & { hashes: ContentHashes }
}

it('what an owner has planted runs for nobody who hashes, and those tables are counted', async () => {
  for (const server of servers) {
    await plant(server, 'planted')
    const { hashes, rows } = await contentsOf(server, server.url('planted'))
    expect(hashes.left_out.toSorted()).toEqual(
      Object.keys(PLANTS)
        .map(table => ['public', table, 'functions'])
        .toSorted(),
    )
    expect(hashes.tables.map(([, table, many]) => [table, many]).toSorted()).toEqual(
      Object.keys(HARMLESS)
        .map(table => [table, 2])
        .toSorted(),
    )
    expect(rows.map(([, , many]) => many)).toEqual(rows.map(() => 2))
    // That the plants would run.
    for (const table of Object.keys(PLANTS)) {
      const before = runsIn(await server.log())
      await server.sql('planted', `select row(n)::text from ${table}`)
      expect(runsIn(await server.log()), table).toBeGreaterThan(before)
    }
  }
})

it('nobody can plant while a query is planned, and a reader without the right to lock is told so', async () => {
  const [server] = servers as [PostgresServer]
  await server.sql('postgres', 'create database held owner mallory')
  await server.sql('held', 'set session authorization mallory; create table t (n int)')
  const table: HashableRelation = {
    ...{ schema: 'public', name: 't', kind: 'table', oid: 1, root: undefined, mayLock: true, pages: 0 },
  }
  const { path: psql } = await newestClientProgram('psql')
  const guard = await PlanGuard.begin(parsePostgresUrl(server.url('held')), { psql, signal: undefined })
  try {
    expect(await guard.hold([table])).toEqual([{ reason: undefined, bytes: 0 }])
    const asMallory = (sql: string): Promise<string> =>
      server.sql('held', `set session authorization mallory; set lock_timeout = '200ms'; ${sql}`)
    for (const sql of ['create index on t ((n + 1))', 'create statistics s on (n + 1), n from t']) {
      await expect(asMallory(sql), sql).rejects.toThrow('lock timeout')
    }
    await asMallory('insert into t values (1)')
    guard.release()
    await asMallory('create index on t (n)')
  } finally {
    await guard.close()
  }
  // May read files of the server, and not lock the tables of others.
  await server.sql(
    'held',
    `create role clerk login password 'pw'; grant pg_read_all_data, pg_read_server_files to clerk;
     create role reader login password 'pw'; grant pg_read_all_data to reader`,
  )
  const as = (role: string): string => server.url('held').replace(/owner:[^@]*@/, `${role}:pw@`)
  expect((await contentsOf(server, as('clerk'))).hashes.left_out).toEqual([['public', 't', 'unsafe']])
  const { hashes } = await contentsOf(server, as('reader'))
  expect(hashes.tables.map(([, table, rows]) => [table, rows])).toEqual([['t', 1]])
})

it('the session that looks at tables outlives the limits of the database while others are hashed', async () => {
  const [server] = servers as [PostgresServer]
  const limitMs = 500
  await server.sql('postgres', 'create database limited')
  await server.sql(
    'limited',
    `create table t (n int); alter database limited set idle_in_transaction_session_timeout = ${limitMs}`,
  )
  const table: HashableRelation = {
    ...{ schema: 'public', name: 't', kind: 'table', oid: 1, root: undefined, mayLock: true, pages: 0 },
  }
  const { path: psql } = await newestClientProgram('psql')
  const guard = await PlanGuard.begin(parsePostgresUrl(server.url('limited')), { psql, signal: undefined })
  try {
    for (const _ of ['at first', 'after a table']) {
      await delay(2 * limitMs)
      expect(await guard.hold([table])).toEqual([{ reason: undefined, bytes: 0 }])
      guard.release()
    }
  } finally {
    await guard.close()
  }
})
