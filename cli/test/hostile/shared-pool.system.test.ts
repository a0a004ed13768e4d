import { openDatabase } from '@telegram-backup/database'
import { type Pgbouncer, startPgbouncer } from '@telegram-backup/test-support/servers/pgbouncer.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lifeOfACatalog } from '#test/hostile/life-of-a-catalog.ts'

// An application shares database, user and pool with the catalog: its next query may run in the session of
// ours before.

let server: PostgresServer
let pgbouncer: Pgbouncer
let vault: TestVault
let url: string
beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  await server.sql('postgres', "create role keeper login password 'k'; create database shop owner keeper")
  await server.sql(
    'shop',
    `set role keeper; create schema app; create table app.things (id int); reset role;
     alter role keeper set search_path = app, public; alter role keeper set statement_timeout = '5min'`,
  )
  const direct = new URL(server.url('shop'))
  direct.username = 'keeper'
  direct.password = 'k'
  // Two, since the lock on the index of a chat keeps one while its work needs another.
  pgbouncer = await startPgbouncer({ serverUrls: [direct.href], poolSize: 2 })
  url = pgbouncer.through(direct.href)
  vault = await openTestVault()
})
afterAll(async () => {
  await vault?.close()
  await pgbouncer?.stop()
  await server?.stop()
})

/** Asks without naming its schema, over and over; each answer says what settings it found. */
async function startApplication(): Promise<{ stop(): Promise<{ answers: Set<string>; rounds: number }> }> {
  const client = new pg.Client(url)
  await client.connect()
  const answers = new Set<string>()
  let [rounds, isStopped] = [0, false]
  const work = async (): Promise<void> => {
    while (!isStopped) {
      const { rows } = await client.query<Record<string, string>>(
        `insert into things values ($1) returning current_setting('search_path') as path,
           current_setting('statement_timeout') as "limit", current_setting('idle_in_transaction_session_timeout') as idle`,
        [rounds++],
      )
      answers.add(JSON.stringify(rows[0]))
    }
  }
  const working = work().catch((error: Error) => answers.add(error.message))
  return {
    stop: async () => {
      isStopped = true
      await working
      await client.end()
      return { answers, rounds }
    },
  }
}

it('an application with unqualified names goes on in the same pool while the catalog is made, used and served', async () => {
  const application = await startApplication()
  const life = await lifeOfACatalog(vault, url)
  await life.commands()
  await life.service()
  const { answers, rounds } = await application.stop()
  expect([...answers]).toEqual([JSON.stringify({ path: 'app, public', limit: '5min', idle: '0' })])
  expect(rounds).toBeGreaterThan(100)
  expect(await server.sql('shop', 'select count(*) from app.things')).toBe(String(rounds))
})

it('a statement of the catalog is ended by the server in time, whatever the session before has set', async () => {
  const others = [1, 2].map(() => new pg.Client(url))
  const database = await openDatabase({ url, statementTimeoutMs: 3_000 })
  for (const other of others) await other.connect()
  // Both sessions of the pool: each transaction keeps one.
  for (const other of others) await other.query('begin')
  for (const other of others) await other.query('set statement_timeout = 0')
  for (const other of others) await other.query('commit')
  await expect(sql`select pg_sleep(60)`.execute(database.kysely)).rejects.toMatchObject({
    code: 'CATALOG',
    message: 'The catalog took too long',
  })
  expect(
    await server.sql(
      'shop',
      "select count(*) from pg_stat_activity where query like 'select pg_sleep(60)%' and state = 'active'",
    ),
  ).toBe('0')
  await Promise.all([database.close(), ...others.map(other => other.end())])
})
