import type { Backup } from '@telegram-backup/database'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { GroupSent } from '#test/cluster/cluster-server.ts'
import { openRestoreBench, processesWith, type RestoreBench, waitUntil } from '#test/restore-bench.ts'

const NAMES = ['blog', 'shop', 'wiki']

let server: PostgresServer
let bench: RestoreBench
beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  for (const name of NAMES) {
    await server.sql('postgres', `create database ${name}`)
    await server.sql(name, `create table t as select n from generate_series(1, 100) n`)
  }
  bench = await openRestoreBench()
})
afterAll(async () => {
  await bench.close()
  await server.stop()
})

const send = (): string[] => [
  ...['send', '--project', 'shop', '--type', 'database', '--json'],
  ...['--postgres-cluster', server.url('postgres'), '--exclude-database', 'postgres', '--lock-timeout', '0'],
]

const list = async (): Promise<Backup[]> => (await bench.cli(['list', '--json'])).json() as Backup[]

it('a run that is killed in the middle leaves whole backups and nothing else, and the next run is whole', async () => {
  // The dump of the second database waits here.
  const locking = server.sql('shop', `begin; lock table t; select pg_sleep(600)`).catch(() => {})
  const isWaiting = async (): Promise<boolean> =>
    (await server.sql('postgres', `select count(*) from pg_stat_activity where wait_event_type = 'Lock'`)) !==
    '0'
  let pid = 0
  const running = bench.start(send(), { onStart: started => (pid = started) })
  await waitUntil(isWaiting)
  process.kill(pid, 'SIGKILL')
  await running
  await server.sql(
    'postgres',
    `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)'`,
  )
  await locking
  const reconciled = await bench.cli(['reconcile', '--json'])
  expect(reconciled.code, reconciled.stderr).toBe(0)
  const left = await list()
  // Whether the one that waited had a row yet depends on the moment; it alone may be a failed one.
  const failed = left.filter(({ state }) => state === 'failed').map(({ member }) => member)
  expect(['database:shop']).toEqual(expect.arrayContaining(failed))
  const complete = left.filter(({ state }) => state !== 'failed')
  expect(complete.map(({ state, member }) => [member, state]).sort()).toEqual([
    ['database:blog', 'complete'],
    ['globals', 'complete'],
  ])
  await waitUntil(async () => (await processesWith(`:${new URL(server.url('x')).port}/`)).length === 0)
  const again = await bench.cli(send())
  expect(again.code, again.stderr).toBe(0)
  const { group_id, members } = again.json() as GroupSent
  expect(members.map(({ member, success }) => [member, success])).toEqual(
    ['globals', ...NAMES.map(name => `database:${name}`)].map(member => [member, true]),
  )
  expect(group_id).not.toBe(left[0]?.group_id)
  const restored = await bench.cli([
    ...[
      'restore',
      `group:${left[0]?.group_id}`,
      '--to',
      server.url('postgres'),
      '--yes',
      '--overwrite',
      '--json',
    ],
  ])
  expect(restored.code, restored.stderr).toBe(3)
  expect(restored.json()).toMatchObject({ success: false, missing: 2 })
})
