import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  getBackupDetails,
  type Job,
  type JobProgress,
  listJobLog,
  type NewJob,
} from '@telegram-backup/database'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLiveConfigFile } from '#config/live-config-file.ts'
import { runBackupJob } from '#job-handlers/backup-job.ts'
import { runDrillJob } from '#job-handlers/drill-job.ts'
import type { JobTools } from '#jobs/job-handler.ts'

let world: JobsWorld
let server: PostgresServer
let folder: string
let tools: JobTools
const heard: JobProgress[] = []

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  world = await openJobsWorld()
  folder = await mkdtemp(join(tmpdir(), 'drill-jobs-'))
  await server.sql('postgres', 'create database shop')
  await server.sql('shop', 'create table orders as select n, md5(n::text) from generate_series(1, 2000) n')
  await mkdir(join(folder, 'papers'))
  await writeFile(join(folder, 'papers', 'one.txt'), 'one '.repeat(40_000))
  const path = join(folder, 'telegram-backup.yaml')
  await writeFile(
    path,
    `sources:
  db: { project: shop, type: database, postgres: "${server.url('shop')}" }
  papers: { project: shop, type: storage, directory: ${join(folder, 'papers')} }
targets:
  beside: { project: shop, postgres: "${server.url('postgres')}" }
  away: { project: shop, postgres: "postgresql://nobody:secret@127.0.0.1:1/nothing" }
`,
    { mode: 0o600 },
  )
  const configFile = await openLiveConfigFile({ ...world.tools.config, configFile: path }, world.tools.log)
  tools = { ...world.tools, config: { ...world.tools.config, configFile: path }, configFile }
  world.run(
    {
      backup: run => runBackupJob(run, tools),
      drill: run => {
        const report = (progress: JobProgress): void => {
          heard.push({ ...progress })
          run.report(progress)
        }
        return runDrillJob({ ...run, report }, tools)
      },
    },
    {
      alsoQueues: [
        'backup.db',
        'backup.papers',
        'drill.db',
        'drill.papers',
        'drill-on.beside',
        'drill-on.away',
      ],
    },
  )
})
afterAll(async () => {
  await world?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

async function ended(job: NewJob): Promise<Job> {
  const { job: submitted } = await world.queue.submit({ projectId: 'shop', ...job })
  return await world.until(submitted.id, 'done', 'failed')
}

async function backedUp(source: string): Promise<string> {
  const { backup_id } = await ended({ kind: 'backup', source })
  if (backup_id === null) throw new Error('no backup')
  return backup_id
}

async function linesOf(job: Job): Promise<string[]> {
  const lines = await listJobLog(world.database, { jobId: job.id, limit: 100 })
  return lines.map(({ stage, text }) => `${stage}: ${text}`)
}

test('a drill job reads, restores and compares, says so by stage, and leaves nothing', async () => {
  for (const source of ['papers', 'db']) {
    const backupId = await backedUp(source)
    heard.splice(0)
    const job = await ended({ kind: 'drill', backupId, source })
    expect(job).toMatchObject({ state: 'done', attempt: 1, error: null })
    expect((await linesOf(job)).map(line => line.split(':')[0])).toEqual([
      'fetch',
      'restore',
      'compare',
      'compare',
    ])
    const details = await getBackupDetails(world.database, backupId)
    expect(details?.verifications[0]).toMatchObject({
      ...{ kind: 'drill', state: 'sound', job_id: job.id, code: null },
      report: { state: 'passed', phases: { fetch_seconds: expect.any(Number) } },
    })
    const done = heard.map(({ bytes_done }) => bytes_done)
    expect(done).toEqual(done.toSorted((a, b) => a - b))
    expect(heard.every(({ bytes_done, bytes_total }) => bytes_done <= (bytes_total ?? 0))).toBe(true)
    expect(job.progress.bytes_done).toBe(job.progress.bytes_total)
  }
  expect((await readdir(tools.config.stateFolder)).filter(name => name.startsWith('drill-'))).toEqual([])
})

test('on a target it needs that server; an unreachable one is tried again, without its place in the row', async () => {
  const backupId = await backedUp('db')
  const there = await ended({ kind: 'drill', backupId, target: 'beside' })
  expect(there).toMatchObject({ state: 'done' })
  expect(await server.databases()).not.toContainEqual(expect.stringContaining('drill'))
  const { job } = await world.queue.submit({ kind: 'drill', projectId: 'shop', backupId, target: 'away' })
  await expect
    .poll(async () => (await world.until(job.id, 'queued', 'running')).error, { timeout: 30_000 })
    .toMatchObject({ message: expect.not.stringMatching(/127\.0\.0\.1|nobody|secret/) })
  await world.queue.cancel(job.id)
})

test('a difference fails it as DIFFERENT, and damage as INTEGRITY, once', async () => {
  const backupId = await backedUp('db')
  await world.database.kysely
    .updateTable('backups')
    .set(({ fn, ref, val }) => ({
      source: fn('jsonb_set', [ref('source'), val('{contents,rows,0,2}'), val('1999')]) as never,
    }))
    .where('id', '=', backupId)
    .execute()
  const job = await ended({ kind: 'drill', backupId, source: 'db' })
  expect(job).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'DIFFERENT' } })
  expect(await linesOf(job)).toContainEqual(expect.stringMatching(/^compare: .*orders/))
  const details = await getBackupDetails(world.database, backupId)
  expect(details?.verifications[0]).toMatchObject({ state: 'failed', code: 'DIFFERENT' })
  const lost = world.vault.messageIds().at(-2) ?? 0
  await world.vault.client.deleteMessage(String(world.vault.chatId), lost)
  expect(await ended({ kind: 'drill', backupId, source: 'db' })).toMatchObject({
    ...{ state: 'failed', attempt: 1, error: { code: 'INTEGRITY' } },
  })
})
