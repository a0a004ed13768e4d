import { type Pgbouncer, startPgbouncer } from '@telegram-backup/test-support/servers/pgbouncer.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: PostgresServer
let pgbouncer: Pgbouncer
beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  pgbouncer = await startPgbouncer({ serverUrls: [server.url('postgres')] })
})
afterAll(async () => {
  await pgbouncer?.stop()
  await server?.stop()
})

test('what one client sets for its session holds for the next client of the pool: that is why the program never does', async () => {
  const clients = [1, 2].map(() => new pg.Client(pgbouncer.through(server.url('postgres'))))
  const [careless, other] = clients as [pg.Client, pg.Client]
  for (const client of clients) await client.connect()
  await careless.query("set search_path = ''")
  await other.query("set statement_timeout = '7s'")
  const { rows } = await other.query<{ search_path: string }>('show search_path')
  const timeout = await careless.query<{ statement_timeout: string }>('show statement_timeout')
  expect(rows).toEqual([{ search_path: '""' }])
  expect(timeout.rows).toEqual([{ statement_timeout: '7s' }])
  for (const client of clients) await client.end()
})
