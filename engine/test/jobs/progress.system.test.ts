import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getBackupById, type Job, type JobProgress } from '@telegram-backup/database'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import {
  installedServer,
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLiveConfigFile } from '#config/live-config-file.ts'
import { runBackupJob } from '#job-handlers/backup-job.ts'
import { runVerifyJob } from '#job-handlers/verify-job.ts'

let world: JobsWorld
let server: PostgresServer
let folder: string

beforeAll(async () => {
  server = await startPostgresServer(await installedServer())
  world = await openJobsWorld()
  folder = await mkdtemp(join(tmpdir(), 'job-progress-'))
  await server.sql('postgres', 'create database swelling; create database shrinking')
  // What the server keeps packed, a dump has in full.
  await server.sql(
    'swelling',
    'create table lore as select n, repeat(md5(n::text), 4000) from generate_series(1, 40) n',
  )
  await server.sql(
    'shrinking',
    'create table room as select n from generate_series(1, 20000) n; delete from room where n > 10',
  )
  await mkdir(join(folder, 'papers'))
  await writeFile(join(folder, 'papers', 'one.txt'), 'one '.repeat(40_000))
})
afterAll(async () => {
  await world?.close()
  await server?.stop()
  await rm(folder, { recursive: true })
})

/** A job of that source, once it has ended, and all that it said of its progress. */
async function backUp(settings: string): Promise<{ job: Job; heard: JobProgress[] }> {
  const path = join(folder, 'telegram-backup.yaml')
  await writeFile(path, `sources: { shop: { project: shop, ${settings} } }\n`, { mode: 0o600 })
  const { tools } = world
  const configFile = await openLiveConfigFile({ ...tools.config, configFile: path }, tools.log)
  const heard: JobProgress[] = []
  const also = ['shop']
  world.run(
    {
      backup: run => {
        const report = (progress: JobProgress): void => {
          heard.push(progress)
          run.report(progress)
        }
        return runBackupJob({ ...run, report }, { ...tools, configFile })
      },
      verify: runVerifyJob,
    },
    { also },
  )
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'shop', source: 'shop' })
  return { job: await world.until(job.id, 'done', 'failed'), heard }
}

test.each([
  ['a dump that is larger than the database', () => `type: database, postgres: "${server.url('swelling')}"`],
  ['a dump that is smaller', () => `type: database, postgres: "${server.url('shrinking')}"`],
  ['a directory', () => `type: storage, directory: ${folder}/papers`],
])('%s: never is more done than there is in all, and at the end it is all', async (_, settings) => {
  const { job, heard } = await backUp(settings())
  expect(job).toMatchObject({ state: 'done', error: null })
  expect(heard.filter(one => one.bytes_total !== null && one.bytes_done > one.bytes_total)).toEqual([])
  const { size } = (await getBackupById(world.database, job.backup_id ?? '')) ?? {}
  expect(size).toBeGreaterThan(0)
  expect(job.progress).toMatchObject({ bytes_done: size, bytes_total: size })
  const asked = await world.queue.submit({
    kind: 'verify',
    backupId: job.backup_id ?? '',
    options: { read_data: true },
  })
  const { state, progress } = await world.until(asked.job.id, 'done', 'failed')
  expect(state).toBe('done')
  expect(progress.bytes_done).toBe(progress.bytes_total)
  await world.stop()
})
