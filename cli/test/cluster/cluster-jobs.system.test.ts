import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findGroup } from '@telegram-backup/database'
import { openLiveConfigFile } from '@telegram-backup/engine/config/live-config-file.ts'
import { runBackupJob } from '@telegram-backup/engine/job-handlers/backup-job.ts'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'

let world: JobsWorld
let server: PostgresServer
let folder: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  world = await openJobsWorld()
  folder = await mkdtemp(join(tmpdir(), 'cluster-jobs-'))
  await server.sql(
    'postgres',
    `create database shop; create database wiki; create role reader login password 'right';
     grant pg_read_all_data to reader; revoke connect on database wiki from public`,
  )
})
afterAll(async () => {
  await world?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

it('a job backs up a cluster as one group, names what failed, and another attempt sends only what is missing', async () => {
  const path = join(folder, 'telegram-backup.yaml')
  const url = server.url('postgres').replace(/\/\/[^@]*@/, '//reader:right@')
  const settings = `project: shop, type: database, postgres_cluster: "${url}", exclude_database: postgres`
  await writeFile(path, `sources: { all: { ${settings} } }\n`, { mode: 0o600 })
  const configFile = await openLiveConfigFile({ ...world.tools.config, configFile: path }, world.tools.log)
  const tools = { ...world.tools, configFile }
  world.run({ backup: run => runBackupJob(run, tools) }, { also: ['all'] })
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'shop', source: 'all' })
  const failed = await world.until(job.id, 'failed')
  expect(failed.error).toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringMatching(/^1 of 3 members were not backed up: database:wiki: .*permission denied/),
  })
  expect(JSON.stringify(failed)).not.toContain('127.0.0.1')
  const made = await findGroup(world.database, job.id)
  expect(made?.backups.map(({ member, state, group_size }) => [member, state, group_size])).toEqual([
    ['globals', 'complete', 3],
    ['database:shop', 'complete', 3],
  ])
  await server.sql('postgres', 'grant connect on database wiki to reader')
  const reports: unknown[] = []
  await runBackupJob(
    {
      job: failed,
      signal: new AbortController().signal,
      stopReason: () => undefined,
      report: progress => reports.push(progress),
      tell: () => {},
      note: () => {},
    },
    tools,
  )
  const whole = await findGroup(world.database, job.id)
  expect(whole?.backups.map(({ id }) => id).slice(0, 2)).toEqual(made?.backups.map(({ id }) => id))
  expect(whole?.backups.map(({ member, state }) => [member, state]).slice(2)).toEqual([
    ['database:wiki', 'complete'],
  ])
  const sizes = whole?.backups.map(({ size }) => size) ?? []
  expect(reports.at(-1)).toMatchObject({
    bytes_done: sizes.reduce((sum, size) => sum + size, 0),
    parts_done: 3,
  })
})
