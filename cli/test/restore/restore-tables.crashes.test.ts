import type { BackupDetails } from '@telegram-backup/database'
import { describedTable } from '@telegram-backup/test-support/servers/described-table.ts'
import {
  dumpOf,
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { openRestoreBench, processesWith, type RestoreBench, waitUntil } from '#test/restore-bench.ts'

// A restore of a part is killed at its first byte, in its rows and before its last part.

let server: PostgresServer
let bench: RestoreBench
let backup: BackupDetails

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  bench = await openRestoreBench()
  await server.sql('postgres', 'create database source')
  await server.sql(
    'source',
    `create schema s; create table s.t (id int generated always as identity primary key, body text);
     insert into s.t (body) select md5(n::text) || md5((n * 7)::text) from generate_series(1, 12000) n;
     create index on s.t (body); create table s.u (t int references s.t); insert into s.u select n from generate_series(1, 2000) n;`,
  )
  backup = await bench.send('--postgres', server.url('source'))
  expect(backup.part_count).toBeGreaterThanOrEqual(6)
})

afterAll(async () => {
  await bench?.close()
  await server?.stop()
})

beforeEach(async () => {
  bench.chat.honest()
  await server.sql('postgres', 'drop database if exists target with (force)')
  await server.sql('postgres', 'create database target template source')
})

const sessions = (): Promise<string> =>
  server.sql(
    'postgres',
    `select count(*) from pg_stat_activity where application_name like 'telegram-backup%'`,
  )

const WISHES: ReadonlyArray<[what: string, change: string, options: string[]]> = [
  ['beside the original', 'select 1', ['--table', 's.t', '--as', 's.t2']],
  ['in place of a dropped one', 'drop table s.t cascade', ['--table', 's.t']],
  ['rows alone', 'truncate s.t, s.u', ['--table', 's.u', '--table', 's.t', '--data-only']],
  ['a schema', 'drop schema s cascade', ['--schema', 's']],
]

it.each(WISHES)(
  '%s: SIGKILL at any part leaves the database as it was; the next run restores it',
  async (_, change, options) => {
    await server.sql('target', change)
    const before = await dumpOf(server.url('target'))
    const args = ['restore', backup.id, '--to', server.url('target'), '--yes', ...options]
    const last = backup.part_count ?? 0
    for (const part of [1, Math.ceil(last / 2), last]) {
      let pid = 0
      bench.chat.onDownload = async count => {
        if (count < part) return
        // Time for psql to get what came before.
        await new Promise(resolve => setTimeout(resolve, 300))
        process.kill(pid, 'SIGKILL')
        await new Promise(() => {})
      }
      const run = await bench.start(args, {
        onStart: started => {
          pid = started
        },
      })
      expect(run.code).not.toBe(0)
      await waitUntil(
        async () =>
          (await sessions()) === '0' &&
          (await processesWith(`:${new URL(server.url('x')).port}/target`)).length === 0,
      )
      expect(await dumpOf(server.url('target'))).toBe(before)
      bench.chat.honest()
    }
    const run = await bench.start(args)
    expect(run.code, run.stderr).toBe(0)
    const [restored, original] = options.includes('--as') ? ['s.t2', 's.t'] : ['s.t', 's.t']
    const description = await describedTable(server, 'target', restored)
    expect(description.replaceAll(/\bt2(?=\b|_)/g, 't')).toBe(
      await describedTable(server, 'source', original),
    )
  },
)
