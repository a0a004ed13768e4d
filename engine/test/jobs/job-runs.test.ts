import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { getJob, type NewJob, sqlRunner } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { type JobsWorld, openJobsWorld } from '@telegram-backup/test-support/jobs-world.ts'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { JobHandler } from '#jobs/job-handler.ts'

const WAITING = { timeout: 110_000 }

let world: JobsWorld
beforeAll(async () => {
  world = await openJobsWorld()
})
afterEach(() => world.stop())
afterAll(() => world.close())

const failing =
  (code: string): JobHandler =>
  async () => {
    throw new BackupError(`failed with ${code}`, { code, hint: 'Try.' })
  }

async function backUp(): Promise<string> {
  return (await world.queue.submit({ kind: 'backup', projectId: 'alpha', source: 'alpha' })).job.id
}

describe('an attempt that fails', () => {
  test('is made again later where that may help, and the row tells why it waits', async () => {
    world.run({ backup: failing('UNREACHABLE') })
    const beforeMs = Date.now()
    const id = await backUp()
    const job = await vi.waitUntil(async () => {
      const found = await getJob(world.database, id)
      return found?.state === 'queued' && found.attempt === 1 && found
    }, WAITING)
    expect(job).toMatchObject({ error: { code: 'UNREACHABLE', hint: 'Try.' }, finished_at: null })
    expect(job.run_after.getTime() - beforeMs).toBeGreaterThan(8_000)
    // The queue has it, for then and not before.
    expect(await world.queue.deliveryOf(job)).toEqual({ state: 'waiting' })
    await world.queue.cancel(id)
  })

  test.each(['CONFIGURATION', 'USAGE', 'INTEGRITY', 'NO_KEY', 'LAST_BACKUP', 'UNEXPECTED'])(
    'ends the job with %s: a person has to do something first',
    async code => {
      world.run({ backup: failing(code) })
      const job = await world.until(await backUp(), 'failed')
      expect(job).toMatchObject({ attempt: 1, error: { code } })
    },
  )

  test('is not made again of a restore, whatever failed', async () => {
    world.run({ restore: failing('UNREACHABLE') })
    const { job } = await world.queue.submit({ kind: 'restore', target: 'copy' })
    expect(await world.until(job.id, 'failed')).toMatchObject({ attempt: 1, error: { code: 'UNREACHABLE' } })
  })

  test('that ends with an error of no make of ours is an end, and stops no other job', async () => {
    let calls = 0
    world.run({
      backup: async () => {
        if (++calls === 1) throw null
      },
    })
    expect(await world.until(await backUp(), 'failed')).toMatchObject({ error: { code: 'UNEXPECTED' } })
    expect(await world.until(await backUp(), 'done')).toMatchObject({ error: null })
  })
})

test('of one source and of several, what a schedule asked for is begun before what waits for longer', async () => {
  const begun: string[] = []
  const ask = async (source: string, more: Partial<NewJob> = {}): Promise<string> =>
    (await world.queue.submit({ kind: 'backup', projectId: source, source, ...more })).job.id
  const ofSchedule = () => ({ scheduleId: randomUUID(), scheduledFor: new Date() })
  const ids = [await ask('beta'), await ask('beta'), await ask('gamma')]
  const scheduled = [await ask('beta', ofSchedule()), await ask('alpha', ofSchedule())]
  world.run({ backup: async ({ job }) => void begun.push(job.id) }, { slots: 1 })
  for (const id of [...ids, ...scheduled]) await world.until(id, 'done')
  expect(new Set(begun.slice(0, 2))).toEqual(new Set(scheduled))
})

describe('a stop', () => {
  const untilAborted: JobHandler = async ({ signal }) => {
    await sleep(60_000, undefined, { signal })
  }

  test('lets jobs end that end in time', async () => {
    const asked = Promise.withResolvers<void>()
    const untilAsked: JobHandler = async ({ signal }) => {
      await Promise.race([asked.promise, sleep(600_000, undefined, { signal })])
    }
    world.run({ backup: untilAsked })
    const id = await backUp()
    await world.until(id, 'running')
    const stopped = world.stop({ graceMs: 100_000 })
    // Later than a stop that waits for nothing would have ended.
    setTimeout(asked.resolve, 500)
    await stopped
    expect(await getJob(world.database, id)).toMatchObject({ state: 'done', attempt: 1 })
  })

  test('of a job that ends with the reason of its signal is no unexpected error', async () => {
    world.run({
      backup: async ({ signal }) => {
        await sleep(60_000, undefined, { signal }).catch(() => signal.throwIfAborted())
      },
    })
    const id = await backUp()
    await world.until(id, 'running')
    await world.stop({ graceMs: 50 })
    expect(await world.until(id, 'queued')).toMatchObject({ error: null })
    const own = world.logged.filter(line => line.includes(id)).join('')
    expect(own).toContain('job put back')
    expect(own).not.toContain('unexpected')
    await world.queue.cancel(id)
  })

  test('fails a restore that it cuts off; it is not put back', async () => {
    world.run({ restore: untilAborted })
    const { job } = await world.queue.submit({ kind: 'restore', target: 'copy' })
    await world.until(job.id, 'running')
    await world.stop({ graceMs: 50 })
    expect(await world.until(job.id, 'failed')).toMatchObject({ error: { code: 'INTERRUPTED' } })
  })

  test.each(['stopped', 'cancelled'])(
    'leaves it to a restore that is %s to say that nobody knows what its target holds',
    async how => {
      const error = new BackupError('Nobody knows', { code: 'UNKNOWN_OUTCOME', hint: 'Look.' })
      const restore: JobHandler = async ({ signal }) => {
        await sleep(60_000, undefined, { signal }).catch(() => {})
        throw error
      }
      world.run({ restore })
      const { job } = await world.queue.submit({ kind: 'restore', target: 'copy' })
      await world.until(job.id, 'running')
      if (how === 'cancelled') await world.queue.cancel(job.id)
      else await world.stop({ graceMs: 50 })
      expect(await world.until(job.id, 'failed', 'cancelled')).toMatchObject({
        state: 'failed',
        error: { code: 'UNKNOWN_OUTCOME', message: 'Nobody knows', hint: 'Look.' },
      })
    },
  )

  test('is bounded also when a job does not stop', async () => {
    let release = (): void => {}
    const verify: JobHandler = () =>
      new Promise(resolve => {
        release = resolve
      })
    world.run({ verify }, { takeBackMs: 300 })
    const { job } = await world.queue.submit({ kind: 'verify' })
    await world.until(job.id, 'running')
    await world.stop({ graceMs: 50 })
    release()
    await world.until(job.id, 'done')
  })

  test('is bounded also when the queue does not answer', async () => {
    const hanging = Promise.withResolvers<undefined>()
    const take = vi.spyOn(world.queue, 'take').mockReturnValueOnce(hanging.promise)
    world.run({ backup: async () => {} }, { takeBackMs: 300 })
    const id = await backUp()
    await vi.waitUntil(() => take.mock.calls.length > 0, WAITING)
    await world.stop({ graceMs: 50 })
    hanging.resolve(undefined)
    await world.queue.cancel(id)
  })

  test('takes nothing more', async () => {
    world.run({ backup: async () => {} })
    await world.stop()
    const id = await backUp()
    await sleep(300)
    expect(await world.until(id, 'queued')).toMatchObject({ attempt: 0 })
    await world.queue.cancel(id)
  })
})

describe('what nobody looks after', () => {
  test.each([
    'delete from pgboss.job',
    "update pgboss.job set state = 'completed'",
    "update pgboss.job set state = 'active', started_on = now() - interval '1 hour'",
  ])('a job that the queue has lost is delivered anew: %s', async statement => {
    const id = await backUp()
    await sqlRunner(world.database).executeSql(statement)
    world.run({ backup: async () => {} })
    expect(await world.until(id, 'done')).toMatchObject({ attempt: 1 })
  })

  test('a job that the queue has lost is delivered anew although many wait before it that nobody here does', async () => {
    const { executeSql } = sqlRunner(world.database)
    await executeSql(`insert into control_plane.jobs (kind, source, run_after)
      select 'backup', 'elsewhere-' || number, now() - interval '1 day' from generate_series(1, 100) number`)
    await executeSql(`insert into control_plane.jobs (kind, target, run_after)
      select 'restore', 'elsewhere', now() - interval '1 day' from generate_series(1, 100) number`)
    const id = await backUp()
    await executeSql('delete from pgboss.job')
    world.run({ backup: async () => {} })
    expect(await world.until(id, 'done')).toMatchObject({ attempt: 1 })
    await executeSql(`delete from control_plane.jobs where source like 'elsewhere%' or target = 'elsewhere'`)
  })

  test('a message of a job that has ended begins nothing', async () => {
    let calls = 0
    world.run({
      backup: async () => {
        calls++
      },
    })
    const id = await backUp()
    const job = await world.until(id, 'done')
    await world.queue.deliver({ ...job, run_after: new Date(0) }, sqlRunner(world.database))
    await world.until(await backUp(), 'done')
    await sleep(300)
    expect(calls).toBe(2)
  })

  test('an upload whose process never began is over', async () => {
    world.run({})
    const { job } = await world.queue.submit({ kind: 'backup', projectId: 'alpha' })
    expect(await world.until(job.id, 'failed')).toMatchObject({ error: { code: 'INTERRUPTED' } })
  })
})

test('no more jobs run at once than there are slots', async () => {
  let [now, most] = [0, 0]
  const allAtWork = Promise.withResolvers<void>()
  const runner = world.run(
    {
      erase: async () => {
        most = Math.max(most, ++now)
        if (now === 3) allAtWork.resolve()
        await allAtWork.promise
        await sleep(50)
        now--
      },
    },
    { slots: 3 },
  )
  const jobs = await Promise.all(
    Array.from({ length: 12 }, () => world.queue.submit({ kind: 'erase', projectId: 'alpha' })),
  )
  for (const { job } of jobs) await world.until(job.id, 'done')
  expect(most).toBe(3)
  await vi.waitUntil(() => runner.active === 0, WAITING)
})

test('verifications that hang leave a slot to a backup', async () => {
  const end = new AbortController()
  let [now, most] = [0, 0]
  const verify: JobHandler = async () => {
    most = Math.max(most, ++now)
    await sleep(60_000, undefined, { signal: end.signal }).catch(() => {})
    now--
  }
  world.run({ verify, backup: async () => {} }, { slots: 3 })
  const jobs = await Promise.all(
    Array.from({ length: 4 }, () => world.queue.submit({ kind: 'verify', projectId: 'alpha' })),
  )
  await vi.waitUntil(() => now === 2, WAITING)
  await world.until(await backUp(), 'done')
  expect(most).toBe(2)
  end.abort()
  for (const { job } of jobs) await world.until(job.id, 'done')
})

test('a job is begun once although several runners share the queue', async () => {
  const begun: string[] = []
  const handler: JobHandler = async ({ job }) => {
    begun.push(job.id)
    await sleep(5)
  }
  for (let runners = 0; runners < 3; runners++) world.run({ verify: handler }, { slots: 4 })
  const jobs = await Promise.all(
    Array.from({ length: 30 }, () => world.queue.submit({ kind: 'verify', projectId: 'alpha' })),
  )
  for (const { job } of jobs) await world.until(job.id, 'done')
  expect(begun.toSorted()).toEqual(jobs.map(({ job }) => job.id).toSorted())
})
