import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getBackupDetails, getJob, type Job } from '@telegram-backup/database'
import { openLiveConfigFile } from '@telegram-backup/engine/config/live-config-file.ts'
import { runBackupJob } from '@telegram-backup/engine/job-handlers/backup-job.ts'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { writeBrokenPgDump } from '#test/send-bench.ts'

let world: JobsWorld
let server: PostgresServer
let folder: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  world = await openJobsWorld()
  folder = await mkdtemp(join(tmpdir(), 'source-failures-'))
  await server.sql('postgres', "create database shop; create role nobody login password 'right'")
  await server.sql('shop', 'create table secret (a int)')
})
afterAll(async () => {
  await world?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

const as = (user: string): string => server.url('shop').replace(/\/\/[^@]*@/, `//${user}@`)

/** Of the job, once its first attempt has failed. */
async function firstFailure(settings: string): Promise<NonNullable<Job['error']>> {
  return (await firstAttempt(settings)).error as NonNullable<Job['error']>
}

async function firstAttempt(settings: string): Promise<Job> {
  const path = join(folder, 'telegram-backup.yaml')
  await writeFile(path, `sources: { shop: { project: shop, ${settings} } }\n`, { mode: 0o600 })
  const { tools } = world
  const configFile = await openLiveConfigFile({ ...tools.config, configFile: path }, tools.log)
  world.run({ backup: run => runBackupJob(run, { ...tools, configFile }) }, { also: ['shop'] })
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'shop', source: 'shop' })
  await expect.poll(async () => (await getJob(world.database, job.id))?.error).not.toBeNull()
  await world.stop()
  const seen = await getJob(world.database, job.id)
  // One that is to be tried again is not wanted any more.
  if (seen?.state === 'queued') await world.queue.cancel(job.id)
  return seen as Job
}

test.each([
  [
    'a wrong password',
    () => `type: database, postgres: "${as('nobody:wrong')}"`,
    'CONFIGURATION',
    /refused the login/,
    /password/,
  ],
  [
    'a table that may not be read',
    () => `type: database, postgres: "${as('nobody:right')}"`,
    'SOURCE',
    /permission denied for table secret/,
    /pg_read_all_data/,
  ],
  [
    'a server that is not there',
    () => 'type: database, postgres: "postgresql://u@127.0.0.1:1/x"',
    'UNREACHABLE',
    /cannot be reached/,
    /whether the server runs/,
  ],
  [
    'a file that has gone',
    () => `type: storage, file: ${folder}/gone`,
    'SOURCE',
    /there is no such file/,
    /Check the path/,
  ],
  ['a directory that has gone', () => `type: storage, directory: ${folder}/gone`, 'SOURCE', /gone/, /./],
])('%s: the job says that the source failed, and what to do', async (_, settings, code, words, hint) => {
  const error = await firstFailure(settings())
  expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) })
  expect(error.message).toMatch(/^The source shop cannot be backed up: /)
  expect(error.message).toMatch(words)
  expect(error.message).not.toContain('Telegram')
  // Whoever may read jobs need not know the place; the log does.
  expect(JSON.stringify(error)).not.toMatch(/127\.0\.0\.1|u@|nobody@|"nobody\\"/)
  expect(world.vault.messageIds()).toEqual([])
})

test('pg_dump repeats a password: neither job nor backup nor log has it, and both rows lack the place', async () => {
  const password = 's3cret of nobody'
  await server.sql('postgres', `create role talker superuser login password '${password}'`)
  const major = Number.parseInt(await server.sql('shop', 'show server_version'), 10)
  vi.stubEnv('PATH', `${await writeBrokenPgDump(folder, { major, password })}:${process.env['PATH']}`)
  const url = as(`talker:${encodeURIComponent(password)}`)
  const { error, backup_id } = await firstAttempt(`type: database, postgres: "${url}"`).finally(() =>
    vi.unstubAllEnvs(),
  )
  const words = /pg_dump failed: connection to server at "…" failed: FATAL: +password authentication failed/
  expect(error?.message).toMatch(words)
  const backup = await getBackupDetails(world.database, backup_id ?? '')
  expect(backup).toMatchObject({ state: 'failed', error: expect.stringMatching(words) })
  expect(JSON.stringify([error, backup?.error, backup?.history])).not.toMatch(/127\.0\.0\.1|"nobody|talker/)
  expect(JSON.stringify([error, backup, world.logged])).not.toMatch(/s3cret(?: |%20)of/)
  // Whoever mends it finds the place in the log.
  expect(world.logged.join('')).toContain('127.0.0.1')
})
