import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { getJob, sqlRunner } from '@telegram-backup/database'
import { createUploads } from '@telegram-backup/engine/jobs/upload-job.ts'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

// The catalog was away when an upload ended, or its process died then: what its job has come to, its backup
// knows.

let world: JobsWorld
beforeEach(async () => {
  world = await openJobsWorld()
})
afterEach(() => world.close())

const sql = (text: string, values: unknown[]): Promise<unknown> =>
  sqlRunner(world.database).executeSql(text, values)

/** An upload that is whole, whose job does not know of its end. */
async function untold(): Promise<string> {
  let jobId = ''
  const { success } = await createUploads({ ...world.tools }).send({
    projectId: 'shop',
    type: 'storage',
    filename: 'x.bin',
    body: Readable.from([Buffer.alloc(100_000, 'x')]),
    actor: 'test',
    signal: new AbortController().signal,
    onJob: id => {
      jobId = id
    },
  })
  expect(success).toBe(true)
  await sql(
    `update control_plane.jobs set state = 'running', finished_at = null, progress = null where id = $1`,
    [jobId],
  )
  return jobId
}

/** As it was in the middle of its send. */
const asBackup = (jobId: string, state: string): Promise<unknown> =>
  sql(
    `update control_plane.backups set state = $2, completed_at = null
      where id = (select backup_id from control_plane.jobs where id = $1)`,
    [jobId, state],
  )

test.each([false, true])(
  'an upload whose backup is whole is done (cancelled meanwhile: %s)',
  async isCancelled => {
    const jobId = await untold()
    if (isCancelled)
      await sql('update control_plane.jobs set cancel_requested_at = now() where id = $1', [jobId])
    world.run({})
    expect(await world.until(jobId, 'done', 'failed', 'cancelled')).toMatchObject({
      state: 'done',
      error: null,
      progress: { bytes_done: 100_000, bytes_total: 100_000 },
      finished_at: expect.any(Date),
    })
  },
)

test('one whose backup may still be whole stays until it is reconciled, and has failed if it is not', async () => {
  const jobId = await untold()
  await asBackup(jobId, 'sending')
  const other = await untold()
  world.run({})
  await world.until(other, 'done')
  // Some looks of the one that looks after jobs.
  await sleep(500)
  expect(await getJob(world.database, jobId)).toMatchObject({ state: 'running', error: null })
  await asBackup(jobId, 'failed')
  expect(await world.until(jobId, 'done', 'failed')).toMatchObject({
    state: 'failed',
    error: { code: 'INTERRUPTED' },
  })
})
