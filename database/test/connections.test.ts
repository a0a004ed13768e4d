import dns from 'node:dns'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type Database, migrate, openDatabase, queryBackups, sqlRunner, withIndexLock } from '#index.ts'
import { bundledPrograms, type PostgresServer, startPostgresServer } from '#test/postgres-server.ts'
import { TestSend } from '#test/test-send.ts'

// Many users of few connections: nobody may wait for a connection that waits for him.

let server: PostgresServer
let url: string
beforeAll(async () => {
  server = await startPostgresServer(bundledPrograms)
  url = await server.newDatabase()
  const database = await openDatabase({ url })
  await migrate(database)
  await database.close()
})
afterAll(() => server.stop())

const opened: Database[] = []
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
})

async function open(connections: number): Promise<Database> {
  const database = await openDatabase({ url, connections, connectTimeoutMs: 60_000 })
  opened.push(database)
  return database
}

async function connectionsOf(database: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from pg_stat_activity where datname = current_database() and backend_type = 'client backend'
  `.execute(database.kysely)
  return rows[0]?.count ?? 0
}

test('indexes of more chats than there are connections are worked on at once, and none of it gets stuck', async () => {
  const database = await open(3)
  let atOnce = 0
  let most = 0
  const two = Promise.withResolvers<void>()
  const chats = [1, 2, 3, 4, 5, 6, 7, 8].map(async number =>
    withIndexLock(database, `-${number}`, async () => {
      most = Math.max(most, ++atOnce)
      if (atOnce === 2) two.resolve()
      await two.promise
      await Promise.all([1, 2, 3, 4].map(() => queryBackups(database)))
      await sql`select pg_sleep(0.05)`.execute(database.kysely)
      atOnce--
      return number
    }),
  )
  expect(await Promise.all(chats)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(most).toBe(2)
})

test('work on an index that fails leaves room for the next', async () => {
  const database = await open(3)
  for (let round = 0; round < 3; round++) {
    const failing = withIndexLock(database, '-1', async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
  }
  expect(await withIndexLock(database, '-1', async () => 'yes')).toBe('yes')
})

test('sends, readers, indexes and a queue share the connections of one service, and it takes no more than it may', async () => {
  const database = await open(5)
  // Those of the tests before take a moment to go.
  await expect.poll(() => connectionsOf(database)).toBeLessThanOrEqual(1)
  const send = async () => {
    const one = new TestSend(database)
    await one.begin()
    await Promise.all([1, 2, 3].map(partNumber => one.send(partNumber)))
    await one.send(0)
    await one.complete()
  }
  const runner = sqlRunner(database)
  const work = Array.from({ length: 20 }, (_, round) => [
    send(),
    withIndexLock(database, `-${round % 3}`, () => queryBackups(database)),
    runner.executeSql('begin; select 1 as one; select 2 as one; commit'),
    ...Array.from({ length: 10 }, () => queryBackups(database, { limit: 10 })),
  ])
  const most = connectionsOf(database)
  await Promise.all(work.flat())
  expect(await most).toBeLessThanOrEqual(5)
  expect((await queryBackups(database, { state: 'complete' })).total).toBe(20)
})

test('a host that is no longer known is an outage once the catalog was there, and a wrong address before', async () => {
  const named = new URL(url)
  named.hostname = 'catalog.invalid'
  const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND catalog.invalid'), { code: 'ENOTFOUND' })
  let isKnown = false
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((_name, options, answer) => {
    if (!isKnown) answer(unknown, [])
    else if (options.all) answer(null, [{ address: '127.0.0.1', family: 4 }])
    else answer(null, '127.0.0.1', 4)
  }) as LookUp as typeof dns.lookup)
  await expect(openDatabase({ url: named.href })).rejects.toMatchObject({ code: 'CONFIGURATION' })
  isKnown = true
  const database = await openDatabase({ url: named.href })
  opened.push(database)
  isKnown = false
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  await other.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()',
  )
  await other.end()
  await expect(queryBackups(database)).rejects.toMatchObject({
    code: 'CATALOG',
    message: expect.stringMatching(/no longer known/),
  })
  isKnown = true
  expect((await queryBackups(database, { limit: 1 })).data).toBeDefined()
  lookup.mockRestore()
})

type LookUp = (
  name: string,
  options: dns.LookupOptions,
  answer: (error: Error | null, ...found: unknown[]) => void,
) => void

test('an index is built even if pg-boss prefers to build it during other writes', async () => {
  const runner = sqlRunner(await open(3))
  await runner.executeSql('create table control_plane.any_queue (id int)')
  await runner.executeSql('CREATE INDEX CONCURRENTLY IF NOT EXISTS any_index ON control_plane.any_queue (id)')
  await runner.executeSql('DROP INDEX CONCURRENTLY IF EXISTS control_plane.any_index')
  await runner.executeSql('drop table control_plane.any_queue')
})

test('each statement, alone or with others, runs with an empty search_path and its limits, and leaves no transaction open', async () => {
  const database = await open(3)
  const settings = sql<Record<string, string>>`
    select current_setting('search_path') as path, current_setting('statement_timeout') as "limit", pg_backend_pid()::text as pid`
  const alone = (await settings.execute(database.kysely)).rows
  expect(alone).toMatchObject([{ path: '', limit: '1min' }])
  expect(
    (
      await sqlRunner(database).executeSql(
        `BEGIN; SET LOCAL lock_timeout = 1; ${settings.compile(database.kysely).sql}; COMMIT`,
      )
    ).rows,
  ).toEqual(alone)
  await expect(sqlRunner(database).executeSql('begin; select 1/0; commit')).rejects.toThrow(/division/)
  expect((await database.kysely.transaction().execute(trx => settings.execute(trx))).rows).toEqual(alone)
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  const { rows } = await other.query(
    'select count(*)::int as count from pg_stat_activity where pid = $1 and state = $2',
    [alone[0]?.['pid'], 'idle'],
  )
  expect(rows).toEqual([{ count: 1 }])
  await other.end()
})

test('less than three connections are refused: two may be kept by work on indexes, which needs another', async () => {
  await expect(openDatabase({ url, connections: 2 })).rejects.toMatchObject({ code: 'INVALID' })
})
