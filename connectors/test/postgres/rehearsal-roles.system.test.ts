import { setTimeout as delay } from 'node:timers/promises'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parsePostgresUrl } from '#postgres/connection.ts'
import { rehearseDatabase } from '#postgres/drill/rehearse-database.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
})

afterAll(() => server.stop())

it('a role that somebody else makes while a drill fails is not dropped', async () => {
  const databases = await server.databases()
  let creating: Promise<unknown> = Promise.resolve()
  const isWaiting = `select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like 'create role latecomer%')
    or exists (select from pg_roles where rolname = 'latecomer')`
  async function* fails(): AsyncGenerator<Buffer> {
    // It waits for the drill's own role of that name, and goes on when that is rolled back.
    creating = server.sql('postgres', 'create role latecomer')
    while ((await server.sql('postgres', isWaiting)) !== 't') await delay(20)
    yield Buffer.from('select no such thing;\n')
    throw new Error('The bytes end here')
  }
  const rehearsal = rehearseDatabase(
    {
      backup: { id: 'b', source: { kind: 'postgres', roles: ['latecomer'] }, size: 1 },
      connection: parsePostgresUrl(server.url('postgres')),
      open: fails,
      ...{ createRoles: true, mayDifferInLocale: false, signal: new AbortController().signal },
    },
    () => Promise.reject(new Error('Nothing was restored')),
  )
  await expect(rehearsal).rejects.toThrow()
  await creating
  expect(await server.sql('postgres', `select count(*) from pg_roles where rolname = 'latecomer'`)).toBe('1')
  expect(await server.databases(), 'no database is left').toEqual(databases)
})
