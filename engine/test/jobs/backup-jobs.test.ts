import { deleteBackup, getBackupById, listJobs, queryBackups } from '@telegram-backup/database'
import {
  holdCall,
  type JobsWorld,
  openJobsWorld,
  SOURCE_NAMES,
} from '@telegram-backup/test-support/jobs-world.ts'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runBackupJob } from '#job-handlers/backup-job.ts'
import { runEraseJob } from '#job-handlers/erase-job.ts'
import { runExpireJob } from '#job-handlers/expire-job.ts'
import { runVerifyJob } from '#job-handlers/verify-job.ts'
import type { JobHandler } from '#jobs/job-handler.ts'

const HANDLERS = { backup: runBackupJob, verify: runVerifyJob, erase: runEraseJob, expire: runExpireJob }

let world: JobsWorld
beforeAll(async () => {
  world = await openJobsWorld()
})
afterAll(() => world.close())

async function backUp(source: string): Promise<string> {
  const { job } = await world.queue.submit({ kind: 'backup', projectId: source, source })
  return job.id
}

test('a backup job sends its source; its row names the backup, and the backup its source', async () => {
  world.run(HANDLERS)
  const job = await world.until(await backUp('alpha'), 'done', 'failed')
  expect(job).toMatchObject({ state: 'done', error: null, attempt: 1, project_id: 'alpha' })
  expect(job.progress.parts_done).toBeGreaterThan(1)
  expect(job.progress.bytes_done).toBe(150_000)
  const backup = await getBackupById(world.database, job.backup_id ?? '')
  expect(backup).toMatchObject({ state: 'complete', project_id: 'alpha', source_name: 'alpha' })
  await world.stop()
})

test('of one source there is one backup at a time, and jobs of several go side by side', async () => {
  let now = 0
  const several = Promise.withResolvers<void>()
  const backup: JobHandler = async (run, tools) => {
    if (++now > 1) several.resolve()
    await several.promise
    await runBackupJob(run, tools)
    now--
  }
  world.run({ ...HANDLERS, backup }, { slots: 4 })
  const ids = await Promise.all([...SOURCE_NAMES, ...SOURCE_NAMES, ...SOURCE_NAMES].map(backUp))
  const watch = setInterval(() => {
    void listJobs(world.database, { state: 'running', limit: 50 }).then(running => {
      const sources = running.map(({ source }) => source)
      expect(new Set(sources).size).toBe(sources.length)
    })
  }, 20)
  for (const id of ids)
    expect(await world.until(id, 'done', 'failed')).toMatchObject({ state: 'done', attempt: 1 })
  clearInterval(watch)
  const { data } = await queryBackups(world.database, { state: 'complete' })
  expect(data).toHaveLength(10)
  await world.stop()
})

test('a queued job that is cancelled is never begun', async () => {
  const id = await backUp('beta')
  expect(await world.queue.cancel(id)).toMatchObject({ state: 'cancelled' })
  world.run(HANDLERS)
  const after = await backUp('beta')
  await world.until(after, 'done')
  expect(await world.until(id, 'cancelled')).toMatchObject({ attempt: 0, backup_id: null })
  await world.stop()
})

test.each([
  ['the first part', { method: 'senddocument', phase: 'arrived', nth: 1 }],
  ['a part that the chat has already', { method: 'senddocument', phase: 'kept', nth: 2 }],
  ['the manifest', { method: 'senddocument', phase: 'arrived', nth: 1, caption: /manifest/ }],
  [
    'the manifest that the chat has already',
    { method: 'senddocument', phase: 'kept', nth: 1, caption: /manifest/ },
  ],
  ['the index', { method: 'editmessagemedia', phase: 'arrived', nth: 1 }],
] as const)('a backup that is cancelled at %s is taken back, or is whole', async (_, at) => {
  const before = world.vault.messageIds()
  const held = holdCall(world.vault, at)
  const heard = Promise.withResolvers<void>()
  const watched: JobHandler = async (run, tools) => {
    run.signal.addEventListener('abort', () => heard.resolve())
    await runBackupJob(run, tools)
  }
  world.run({ ...HANDLERS, backup: watched })
  const id = await backUp('gamma')
  await held.reached
  expect(await world.queue.cancel(id)).toMatchObject({ state: 'running' })
  // It gives up the call that hangs.
  await heard.promise
  held.release()
  const job = await world.until(id, 'cancelled', 'done', 'failed')
  await world.stop()
  const backup = await getBackupById(world.database, job.backup_id ?? '')
  if (job.state === 'done') {
    expect(at.method === 'editmessagemedia' || 'caption' in at).toBe(true)
    expect(backup).toMatchObject({ state: 'complete' })
  } else {
    expect(job).toMatchObject({ state: 'cancelled', error: { code: 'CANCELLED' } })
    expect(backup).toMatchObject({ state: 'failed' })
    expect(world.vault.messageIds()).toEqual(before)
  }
  await expectNothingLost(world.vault, { database: world.database, chatId: world.vault.chatId })
})

test('a service that stops puts its backup back and leaves nothing; the next one does it', async () => {
  const before = world.vault.messageIds()
  const held = holdCall(world.vault, { method: 'senddocument', phase: 'arrived', nth: 2 })
  world.run(HANDLERS, { takeBackMs: 60_000 })
  const id = await backUp('gamma')
  await held.reached
  setTimeout(held.release, 500)
  await world.stop({ graceMs: 100 })
  expect(await world.until(id, 'queued')).toMatchObject({ attempt: 1, error: null })
  expect(world.vault.messageIds()).toEqual(before)
  world.run(HANDLERS)
  expect(await world.until(id, 'done', 'failed')).toMatchObject({ state: 'done', attempt: 2 })
  await world.stop()
})

test('verify, erase and expire are jobs as well', async () => {
  world.run(HANDLERS)
  const { backup_id: backupId } = await world.until(await backUp('alpha'), 'done')
  if (backupId === null) throw new Error('no backup')
  const verify = await world.queue.submit({ kind: 'verify', backupId, options: { read_data: true } })
  expect(await world.until(verify.job.id, 'done', 'failed')).toMatchObject({ state: 'done' })
  expect(await getBackupById(world.database, backupId)).toMatchObject({ verified_at: expect.any(Date) })
  const erase = await world.queue.submit({ kind: 'erase', backupId })
  expect(await world.until(erase.job.id, 'done', 'failed')).toMatchObject({ state: 'done' })
  expect(await getBackupById(world.database, backupId)).toMatchObject({ state: 'erased' })
  const expire = await world.queue.submit({ kind: 'expire' })
  expect(await world.until(expire.job.id, 'done', 'failed')).toMatchObject({ state: 'done' })
  await world.stop()
})

test('damage ends a verification as failed, with the code INTEGRITY', async () => {
  world.run(HANDLERS)
  const { backup_id: backupId } = await world.until(await backUp('beta'), 'done')
  if (backupId === null) throw new Error('no backup')
  const lost = world.vault.messageIds().at(-2) ?? 0
  await world.vault.client.deleteMessage(String(world.vault.chatId), lost)
  const { job } = await world.queue.submit({ kind: 'verify', backupId, options: {} })
  expect(await world.until(job.id, 'done', 'failed')).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { code: 'INTEGRITY' },
  })
  await world.stop()
})

test('a verification that nobody asked for is done when its backup was erased meanwhile', async () => {
  const { vault, database, queue } = world
  world.run(HANDLERS)
  const backupId = (await world.until(await backUp('beta'), 'done')).backup_id ?? ''
  const lost = vault.messageIds().at(-2) ?? 0
  const held = holdCall(vault, { method: 'forwardmessage', phase: 'arrived', nth: 1 })
  const sampled = { kind: 'verify', backupId, options: { read_data: true, sampled: true } } as const
  const { job } = await queue.submit(sampled)
  await held.reached
  expect(await deleteBackup(database, backupId)).toBe(true)
  await vault.client.deleteMessage(String(vault.chatId), lost)
  held.release()
  expect(await world.until(job.id, 'done', 'failed')).toMatchObject({ state: 'done', error: null })
  const options = { even_the_last: true }
  const erase = await queue.submit({ kind: 'erase', backupId, options })
  expect(await world.until(erase.job.id, 'done', 'failed')).toMatchObject({ state: 'done' })
  const late = await queue.submit(sampled)
  expect(await world.until(late.job.id, 'done', 'failed')).toMatchObject({ state: 'done', error: null })
  const asked = await queue.submit({ kind: 'verify', backupId })
  expect(await world.until(asked.job.id, 'done', 'failed')).toMatchObject({ error: { code: 'NOT_FOUND' } })
  await world.stop()
})

test('the last good backup is not erased, and its job says why', async () => {
  const { data } = await queryBackups(world.database, { state: 'complete' })
  world.run(HANDLERS)
  const gammas = data.filter(({ project_id }) => project_id === 'gamma').map(({ id }) => id)
  const jobs: string[] = []
  for (const backupId of gammas) jobs.push((await world.queue.submit({ kind: 'erase', backupId })).job.id)
  const ended = await Promise.all(jobs.map(id => world.until(id, 'done', 'failed')))
  expect(ended.filter(({ error }) => error?.code === 'LAST_BACKUP')).toHaveLength(1)
  expect(ended.filter(({ state }) => state === 'done')).toHaveLength(gammas.length - 1)
  await world.stop()
})
