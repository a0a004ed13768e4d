import { newestClientProgram } from '@telegram-backup/connectors/postgres/client-programs.ts'
import { parsePostgresUrl } from '@telegram-backup/connectors/postgres/connection.ts'
import { refuseSharedSessions } from '@telegram-backup/connectors/postgres/shared-sessions.ts'
import { openRestoreBench, type RestoreBench } from '@telegram-backup/test-support/restore-bench.ts'
import {
  type Pgbouncer,
  type PgbouncerOptions,
  startPgbouncer,
} from '@telegram-backup/test-support/servers/pgbouncer.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

let server: PostgresServer
let bench: RestoreBench
let pgbouncer: Pgbouncer | undefined

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  await server.sql('postgres', 'create database shop; create database empty')
  await server.sql('shop', 'create table customers as select n from generate_series(1, 100) n')
})

afterEach(async () => {
  await pgbouncer?.stop()
})

afterAll(async () => {
  await bench.close()
  await server.stop()
})

const start = async (options: Omit<PgbouncerOptions, 'serverUrls'>): Promise<Pgbouncer> => {
  pgbouncer = await startPgbouncer({ serverUrls: [server.url('shop')], ...options })
  return pgbouncer
}

/**
 * An application with unqualified names, which asks through the pool as long as the act goes on, and once
 * more after it.
 */
async function whileAnApplicationAsks(url: string, act: () => Promise<void>): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  let isOver = false
  const asking = (async () => {
    let isLast = false
    while (!isLast) {
      isLast = isOver
      const { rows } = await client.query(
        "select count(*)::int, current_setting('search_path') as path from customers",
      )
      expect(rows).toEqual([{ count: 100, path: '"$user", public' }])
    }
  })()
  asking.catch(() => {})
  try {
    await act()
  } finally {
    isOver = true
  }
  await asking
  await client.end()
}

describe.each([1, 3])(
  'behind a pool of %i in transaction mode, an application goes on working while',
  poolSize => {
    it('a source is looked at and refused', async () => {
      const { through } = await start({ poolSize })
      await whileAnApplicationAsks(through(server.url('shop')), async () => {
        const sent = await bench.cli([
          ...[
            'send',
            '--project',
            'shop',
            '--type',
            'database',
            '--postgres',
            through(server.url('shop')),
            '--json',
          ],
        ])
        expect(sent.code).toBe(2)
        expect(sent.json()).toMatchObject({
          success: false,
          error: expect.stringContaining('pooler in transaction mode'),
          hint: expect.stringContaining('session mode'),
        })
      })
      expect(bench.vault.messageIds()).toEqual([])
    })
  },
)

it('a target and the server of a drill behind a pool in transaction mode are refused, and nothing is made there', async () => {
  const { through } = await start({ poolSize: 2 })
  const backup = await bench.send('--postgres', server.url('shop'))
  const databases = await server.databases()
  await whileAnApplicationAsks(through(server.url('shop')), async () => {
    for (const args of [
      ['restore', backup.id, '--to', through(server.url('empty')), '--yes'],
      ['restore', backup.id, '--to', through(server.url('missing')), '--yes'],
      ['verify', backup.id, '--drill', '--on', through(server.url('shop'))],
    ]) {
      const run = await bench.cli(args)
      expect(run.stderr, args[0]).toContain('pooler in transaction mode')
      expect(run.code).toBe(2)
    }
  })
  expect(await server.databases()).toEqual(databases)
})

it('a pool in session mode is dumped and restored through, and an application in it goes on working', async () => {
  const { through } = await start({ poolMode: 'session', poolSize: 4 })
  await whileAnApplicationAsks(through(server.url('shop')), async () => {
    const backup = await bench.send('--postgres', through(server.url('shop')))
    expect(backup.source?.['contents']).toMatchObject({ counted: 1, rows: [['public', 'customers', 100]] })
    const run = await bench.cli(['restore', backup.id, '--to', through(server.url('again')), '--yes'])
    expect(run.code, run.stderr).toBe(0)
  })
  expect(await server.sql('again', 'select count(*) from customers')).toBe('100')
})

describe('what is told of a way to the server', () => {
  const tell = async (url: string): Promise<void> =>
    refuseSharedSessions(parsePostgresUrl(url), { psql: (await newestClientProgram('psql')).path })

  it('nothing against the server itself, nor against a pool in session mode that has no second connection', async () => {
    await tell(server.url('shop'))
    const { through } = await start({ poolMode: 'session', poolSize: 1 })
    await tell(through(server.url('shop')))
  })

  it.each(['transaction', 'statement'] as const)('that a pool in %s mode shares it', async poolMode => {
    const { through } = await start({ poolMode, poolSize: 5 })
    await expect(tell(through(server.url('shop')))).rejects.toMatchObject({ code: 'CONFIGURATION' })
  })
})
