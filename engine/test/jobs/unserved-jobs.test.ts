import { noteService, sqlRunner } from '@telegram-backup/database'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UnservedWatch } from '#jobs/unserved-watch.ts'
import { describeUnserved } from '#schedules/unserved-sources.ts'

let world: JobsWorld
beforeEach(async () => {
  world = await openJobsWorld()
})
afterEach(() => world.close())

const messagesOf = async (queue: string): Promise<unknown[]> => {
  const { executeSql } = sqlRunner(world.database)
  const { rows } = await executeSql('select id from pgboss.job where name = $1', [queue])
  return rows
}

test('a job whose source no serve knows fails after its time, with what to do, and nothing of it stays in the queue', async () => {
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'alpha', source: 'vanished' })
  const restore = await world.queue.submit({ kind: 'restore', target: 'vanished' })
  world.run({}, { unservedMs: 2_000 })
  const failed = await world.until(job.id, 'failed')
  expect(failed.error).toEqual({
    code: 'UNSERVED',
    message: 'No running serve knows the source vanished, so the job could not start',
    hint: expect.stringContaining('Write the source vanished into the telegram-backup.yaml of the machine'),
  })
  expect(failed.attempt).toBe(0)
  expect((await world.until(restore.job.id, 'failed')).error?.message).toContain('the target vanished')
  await expect.poll(() => messagesOf('backup.vanished')).toEqual([])
  await expect.poll(() => messagesOf('restore.vanished')).toEqual([])
  await expect.poll(() => world.logged.filter(line => line.includes('"job failed"'))).toHaveLength(2)
})

test('one that waits for its turn, or for a machine that is away, goes on waiting', async () => {
  await noteService(world.database, { id: crypto.randomUUID(), sources: ['elsewhere'], targets: [] })
  const held = Promise.withResolvers<void>()
  const asked = ['alpha', 'beta', 'elsewhere'].map(source =>
    world.queue.submit({ kind: 'backup', projectId: 'p', source }),
  )
  const jobs = (await Promise.all(asked)).map(({ job }) => job.id)
  const { job: lost } = await world.queue.submit({ kind: 'backup', projectId: 'p', source: 'vanished' })
  world.run({ backup: () => held.promise }, { slots: 1, unservedMs: 2_000 })
  await world.until(lost.id, 'failed')
  const states = () => Promise.all(jobs.map(async id => (await world.until(id, 'queued', 'running')).state))
  await expect.poll(async () => (await states()).toSorted()).toEqual(['queued', 'queued', 'running'])
  held.resolve()
})

test('what has waited for days while nothing ran is not failed by the first serve that is back', async () => {
  const { job } = await world.queue.submit({ kind: 'backup', projectId: 'p', source: 'elsewhere' })
  const { executeSql } = sqlRunner(world.database)
  const days = "clock_timestamp() - interval '2 days'"
  await executeSql(`update control_plane.jobs set created_at = ${days}, run_after = ${days}`)
  world.run({})
  const said = async (): Promise<unknown[]> => {
    const { rows } = await executeSql('select seen_at from control_plane.services')
    return rows.map(row => row['seen_at'])
  }
  const looks = new Set<string>()
  // It says so before each look: by the third one the first two have ended.
  await expect.poll(async () => looks.add(JSON.stringify(await said())).size).toBeGreaterThan(3)
  expect(await world.until(job.id, 'queued', 'failed')).toMatchObject({ state: 'queued' })
})

test('a job has to be seen unserved at each look for its time; who has not looked for as long begins anew', async () => {
  const due = async (source: string) =>
    (await world.queue.submit({ kind: 'backup', projectId: 'p', source })).job
  const [one, two] = [await due('one'), await due('two')]
  const watch = new UnservedWatch({ forMs: 100 })
  expect(watch.overdue([one], 1_000)).toEqual([])
  expect(watch.overdue([one, two], 1_060)).toEqual([])
  expect(watch.overdue([one, two], 1_100)).toEqual([one])
  expect(watch.overdue([two], 1_120)).toEqual([])
  expect(watch.overdue([one, two], 1_160)).toEqual([two])
  expect(watch.overdue([one, two], 1_261)).toEqual([])
  expect(watch.overdue([one, two], 1_361)).toEqual([one, two])
})

test('of schedules whose source nobody names is told, and not of those of other machines', async () => {
  const { createSchedule } = await import('@telegram-backup/database')
  const made = { projectId: 'p', type: 'storage', cron: '0 3 * * *', timezone: 'UTC', enabled: true } as const
  const at = { nextRunAt: new Date(Date.now() + 3_600_000) }
  for (const source of ['alpha', 'elsewhere', 'vanished']) {
    await createSchedule(world.database, { ...made, ...at, source }, { most: 9 })
  }
  await noteService(world.database, { id: crypto.randomUUID(), sources: ['elsewhere'], targets: [] })
  expect(await describeUnserved(world.database, ['alpha'])).toContain('Schedules back up vanished, but')
  expect(await describeUnserved(world.database, ['alpha', 'vanished'])).toBeUndefined()
})
