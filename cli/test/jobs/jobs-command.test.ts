import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Job, sqlRunner } from '@telegram-backup/database'
import { openJobQueue } from '@telegram-backup/engine/wiring.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCli } from '#test/call-cli.ts'

let folder: string
let database: TestCatalog
let jobs: Job[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobs-command-'))
  database = await openTestCatalog()
  const queue = await openJobQueue(database, { tends: false })
  jobs = []
  for (const source of ['shop', 'blog']) {
    jobs.push((await queue.submit({ kind: 'backup', projectId: source, source })).job)
  }
  await queue.stop()
  // A clock may be set back between the two.
  await sqlRunner(database).executeSql(
    `update control_plane.jobs set created_at = created_at - interval '1 minute' where id = $1`,
    [jobs[0]?.id],
  )
})

afterAll(async () => {
  await database.discard()
  await rm(folder, { recursive: true, force: true })
})

const cli = (...args: string[]) =>
  callCli(['jobs', ...args], { env: { TELEGRAM_BACKUP_HOME: folder, ...database.env } })

test('jobs lists them, newest first, as the HTTP API shows them', async () => {
  const run = await cli('--json')
  expect(run.code, run.stderr).toBe(0)
  const listed = run.json() as Record<string, unknown>[]
  expect(listed.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id).reverse())
  expect(listed[1]).toMatchObject({
    kind: 'backup',
    state: 'queued',
    project_id: 'shop',
    source: 'shop',
    attempt: 0,
    backup_id: null,
    error: null,
    progress: { bytes_done: 0, bytes_total: null, parts_done: 0 },
    started_at: null,
    finished_at: null,
  })
  expect((await cli('--project', 'blog', '--state', 'queued', '--json')).json()).toHaveLength(1)
  expect((await cli('--state', 'done')).stdout).toBe('No job matches.\n')
  expect((await cli()).stdout).toContain('shop')
})

test('jobs show has all of one job, with how far it is, what it failed of and its hint', async () => {
  const { id = '' } = jobs[1] ?? {}
  const fresh = (await cli('show', id.slice(0, 8))).stdout
  expect(fresh).toMatch(/^source +blog$/m)
  expect(fresh).not.toMatch(/error|finished|done/)
  const backupId = '5a1c90d0-2290-4176-9d05-49f3eeec4fd8'
  const progress = { bytes_done: 9_227_469, bytes_total: 26_214_400, parts_done: 1 }
  await sqlRunner(database).executeSql(
    `insert into control_plane.backups (id, project_id, type, state, size, file_id)
       values ($1, 'blog', 'logs', 'failed', 0, '')`,
    [backupId],
  )
  await sqlRunner(database).executeSql(
    `update control_plane.jobs
        set error_code = 'SOURCE', error = 'The source blog cannot be backed up', error_hint = 'Mend it.',
            progress = $2, backup_id = $3, attempt = 2
      where id = $1`,
    [id, JSON.stringify(progress), backupId],
  )
  const shown = await cli('show', id)
  expect(shown.code, shown.stderr).toBe(0)
  expect(shown.stdout).toMatch(/^done +8\.8 MiB of 25\.0 MiB, 1 part$/m)
  expect(shown.stdout).toMatch(/^last error +SOURCE: The source blog cannot be backed up$/m)
  expect(shown.stdout).toMatch(/^hint +Mend it\.$/m)
  expect(shown.stdout).toContain(backupId)
  const listed = (await cli('--project', 'blog', '--json')).json() as unknown[]
  expect((await cli('show', id, '--json')).json()).toEqual({ ...(listed[0] as object), log: [] })
  expect((await cli('show', '--help')).stdout).toContain('telegram-backup jobs show 3f0c2c1e')
})

test('jobs cancel takes the first eight characters, and the queue forgets the job', async () => {
  const [job] = jobs
  const run = await cli('cancel', job?.id.slice(0, 8) ?? '', '--json')
  expect(run.code, run.stderr).toBe(0)
  expect(run.json()).toMatchObject({ id: job?.id, state: 'cancelled' })
  const { rows } = await sqlRunner(database).executeSql('select id from pgboss.job')
  expect(rows.map(({ id }) => id)).toEqual([jobs[1]?.id])
  const again = await cli('cancel', job?.id ?? '', '--json')
  expect(again).toMatchObject({ code: 1 })
  expect(again.json()).toMatchObject({ success: false, code: 'CONFLICT' })
})

test.each([
  [['cancel', '00000000-0000-4000-8000-000000000000'], 4],
  [['cancel', "x' or true --"], 4],
  [['show', '00000000-0000-4000-8000-000000000000'], 4],
  [['show'], 2],
  [['--state', 'sleeping'], 2],
  [['--limit', '0'], 2],
])('jobs %j is refused', async (args, code) => {
  expect((await cli(...args)).code).toBe(code)
})

test('a verification of packs names its bucket, in the list, alone and as JSON', async () => {
  const queue = await openJobQueue(database, { tends: false })
  const bucket_id = '1d1a7f3c-6a0b-4a39-8f0e-0d2b3f0a9c11'
  const options = { bucket_id, bucket: 'laptops', packs: 3, messages: 3, read_data: true, sampled: true }
  const { job } = await queue.submit({ kind: 'verify', projectId: 'office', options })
  await queue.stop()
  expect((await cli('--project', 'office')).stdout).toMatch(/ verify +laptops +queued/)
  expect((await cli('show', job.id)).stdout).toMatch(/^bucket +laptops$/m)
  expect((await cli('--project', 'office', '--json')).json()).toMatchObject([
    { id: job.id, backup_id: null, bucket_id, bucket: 'laptops' },
  ])
})
