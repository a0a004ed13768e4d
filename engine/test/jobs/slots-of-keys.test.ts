import { randomUUID } from 'node:crypto'
import { createApiKey, getJob, type NewJob } from '@telegram-backup/database'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { cancelled } from '@telegram-backup/vault/session/session.ts'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { JobHandler } from '#jobs/job-handler.ts'

// What a dump holds decides how long its restore takes: a CHECK that sleeps is enough.

let world: JobsWorld
beforeAll(async () => {
  world = await openJobsWorld()
})
afterEach(() => world.stop())
afterAll(() => world.close())

const untilStopped: JobHandler = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(cancelled()), { once: true }))

async function keyOf(projectId?: string): Promise<string> {
  const more = projectId === undefined ? {} : { projectId }
  return (await createApiKey(world.database, { name: 'k', scopes: ['admin'], ...more })).apiKey.id
}

async function ask(job: NewJob, callerId?: string): Promise<string> {
  const byCaller = callerId === undefined ? {} : { byCaller: { callerId } }
  return (await world.queue.submit({ ...job, ...byCaller })).job.id
}

const restore = (projectId: string, overwrite = false): NewJob => ({
  ...{ kind: 'restore', projectId, target: 'copy', options: { overwrite } },
})
const backup = (source: string): NewJob => ({ kind: 'backup', projectId: source, source })

test.each([
  ['one key of a project', async () => Array<string>(2).fill(await keyOf('alpha'))],
  ['two keys of a project', async () => [await keyOf('alpha'), await keyOf('alpha')]],
] as const)('restores of %s that never end leave a slot to a schedule and to other keys', async (_, keys) => {
  const [one, other] = await keys()
  const ids = [await ask(restore('alpha'), one), await ask(restore('alpha', true), other)]
  world.run({ restore: untilStopped, backup: async () => {} }, { slots: 2 })
  await world.until(ids[0] ?? '', 'running')
  const theirs = await ask(backup('beta'), await keyOf('beta'))
  const ofSchedule = await ask({ ...backup('alpha'), scheduleId: randomUUID(), scheduledFor: new Date() })
  expect(await world.until(theirs, 'done')).toMatchObject({ error: null })
  expect(await world.until(ofSchedule, 'done')).toMatchObject({ error: null })
  const states = await Promise.all(ids.map(async id => (await getJob(world.database, id))?.state))
  expect(states).toEqual(['running', 'queued'])
  await Promise.all([...ids].reverse().map(id => world.queue.cancel(id)))
  for (const id of ids) await world.until(id, 'cancelled')
})

test('neither do those of a key that is bound to no project take all slots, by restores of several', async () => {
  const key = await keyOf()
  const ids = [await ask(restore('alpha'), key), await ask(restore('beta'), key)]
  world.run({ restore: untilStopped, backup: async () => {} }, { slots: 2 })
  await world.until(ids[0] ?? '', 'running')
  expect(await world.until(await ask(backup('gamma')), 'done')).toMatchObject({ error: null })
  expect(await getJob(world.database, ids[1] ?? '')).toMatchObject({ state: 'queued' })
  await Promise.all([...ids].reverse().map(id => world.queue.cancel(id)))
  for (const id of ids) await world.until(id, 'cancelled')
})

test('with one slot, and with jobs that no key has asked for, nothing is left free', async () => {
  world.run({ restore: untilStopped }, { slots: 2 })
  const ids = [await ask(restore('alpha')), await ask(restore('alpha', true))]
  for (const id of ids) await world.until(id, 'running')
  for (const id of ids) await world.queue.cancel(id)
  for (const id of ids) await world.until(id, 'cancelled')
  await world.stop()
  world.run({ restore: async () => {} }, { slots: 1 })
  expect(await world.until(await ask(restore('alpha'), await keyOf()), 'done')).toMatchObject({ error: null })
})
