import {
  beginJob,
  cancelJob,
  getBackupById,
  getJob,
  type Job,
  putBackJob,
  recoverJob,
} from '@telegram-backup/database'
import { holdCall, type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runBackupJob } from '#job-handlers/backup-job.ts'

let world: JobsWorld
beforeEach(async () => {
  world = await openJobsWorld()
})
afterEach(() => world.close())

/** A backup job whose process died after the backup was complete, or sealed alone, and before the job was. */
async function jobOfWholeBackup(state: 'complete' | 'sealed'): Promise<string> {
  const { database, queue, tools } = world
  const { job } = await queue.submit({ kind: 'backup', projectId: 'alpha', source: 'alpha' })
  const begun = await beginJob(database, { jobId: job.id, worker: 'one that dies' })
  if (begun === null) throw new Error('the job was not begun')
  const dying = new AbortController()
  const run = {
    job: begun.job,
    signal: dying.signal,
    stopReason: () => undefined,
    report: () => {},
    tell: () => {},
    note: () => {},
  }
  if (state === 'complete') await runBackupJob(run, tools)
  else await dieAtTheManifest(() => runBackupJob(run, tools))
  await begun.lease.release()
  return job.id
}

/** All that a run does from its manifest on is lost, as it is when its process dies then. */
async function dieAtTheManifest(work: () => Promise<void>): Promise<void> {
  const { kysely } = world.database
  const held = holdCall(world.vault, {
    method: 'senddocument',
    phase: 'arrived',
    nth: 1,
    caption: /manifest/,
  })
  const working = work().catch(() => {})
  await held.reached
  await kysely.deleteFrom('leases').where('purpose', '=', 'send').execute()
  held.release()
  await working
}

async function expectDone(id: string): Promise<void> {
  const job: Job = await world.until(id, 'done', 'failed', 'cancelled')
  const backup = await getBackupById(world.database, job.backup_id ?? '')
  expect({ job: job.state, backup: backup?.state }).toEqual({ job: 'done', backup: 'complete' })
}

test.each(['complete', 'sealed'] as const)(
  'a backup that was %s when its process died is done, although it was to be cancelled',
  async state => {
    const id = await jobOfWholeBackup(state)
    expect(await world.queue.cancel(id)).toMatchObject({ state: 'running' })
    world.run({ backup: runBackupJob })
    await expectDone(id)
  },
)

test.each(['complete', 'sealed'] as const)(
  'a backup that was %s when its process died is done, although it is cancelled while it waits to go on',
  async state => {
    const id = await jobOfWholeBackup(state)
    const { database, queue } = world
    expect(await recoverJob(database, id, () => ({ state: 'queued' }), queue.deliver)).toBe(true)
    await queue.cancel(id)
    world.run({ backup: runBackupJob })
    await expectDone(id)
  },
)

/** A job of a complete backup that is to be tried again an hour later. */
async function jobInPause(): Promise<string> {
  const id = await jobOfWholeBackup('complete')
  const { database, queue } = world
  await recoverJob(database, id, () => ({ state: 'queued' }), queue.deliver)
  const begun = await beginJob(database, { jobId: id, worker: 'one that finds the chat away' })
  const error = { code: 'UNREACHABLE', message: 'no answer' }
  const attempt = { jobId: id, leaseToken: begun?.lease.token ?? '', afterMs: 3_600_000, error }
  await putBackJob(database, attempt, queue.deliver)
  return id
}

test('one that is cancelled in the pause before it is tried again is looked at without waiting for the end of that', async () => {
  const id = await jobInPause()
  expect(await world.queue.cancel(id)).toMatchObject({ state: 'queued' })
  world.run({ backup: runBackupJob })
  await expectDone(id)
})

test('whoever dies between the row of a cancelled job and its message has changed neither', async () => {
  const id = await jobInPause()
  const { database, queue } = world
  const before = await getJob(database, id)
  const dying = cancelJob(database, id, async (_, sql) => {
    await sql.executeSql('select pg_terminate_backend(pg_backend_pid())')
  })
  await expect(dying).rejects.toThrow()
  expect(await getJob(database, id)).toEqual(before)
  expect(await queue.cancel(id)).toMatchObject({ state: 'queued' })
  world.run({ backup: runBackupJob })
  await expectDone(id)
})
