import {
  createSchedule,
  type Database,
  getSchedule,
  type Job,
  updateSchedule,
} from '@telegram-backup/database'
import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { nextTime } from '#cron/cron-times.ts'
import { jitterMs } from '#schedules/firing.ts'
import { fireSchedules, startScheduler } from '#schedules/ticker.ts'

let database: Awaited<ReturnType<typeof openTestCatalog>>
const delivered: string[] = []
const deliver = async ({ id }: Job): Promise<void> => {
  delivered.push(id)
}
const QUIET = { info: () => {}, warn: () => {}, error: () => {} }
const START = new Date('2026-11-25T12:00:30Z')

beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(async () => {
  await database.discard()
})
beforeEach(async () => {
  await database.kysely.deleteFrom('jobs').execute()
  await database.kysely.deleteFrom('schedules').execute()
})

interface Terms {
  cron?: string
  timezone?: string
  catchUp?: 'once' | 'skip'
  jitterSeconds?: number
  from?: Date
}

async function aSchedule({ cron = '* * * * *', timezone = 'UTC', from = START, ...terms }: Terms = {}) {
  return await createSchedule(database, {
    source: 'shop',
    projectId: 'shop',
    type: 'database',
    cron,
    timezone,
    ...terms,
    nextRunAt: nextTime({ cron, timezone }, from),
  })
}

function tick(at: string | Date, on: Database = database): Promise<Job[]> {
  const log = QUIET as unknown as Parameters<typeof fireSchedules>[0]['log']
  return fireSchedules({ database: on, deliver, log, clock: () => new Date(at) })
}

async function endJobs(): Promise<void> {
  await database.kysely
    .updateTable('jobs')
    .set({ state: 'done', finished_at: new Date() })
    .where('state', '=', 'queued')
    .execute()
}

const times = (jobs: readonly Job[]) => jobs.map(({ scheduled_for }) => scheduled_for?.toISOString())

it('fires when its time has come, and not before', async () => {
  const { id } = await aSchedule()
  expect(await tick('2026-11-25T12:00:59.999Z')).toEqual([])
  const jobs = await tick('2026-11-25T12:01:00Z')
  expect(jobs).toMatchObject([{ kind: 'backup', source: 'shop', project_id: 'shop', schedule_id: id }])
  expect(times(jobs)).toEqual(['2026-11-25T12:01:00.000Z'])
  expect((await getSchedule(database, id))?.next_run_at).toEqual(new Date('2026-11-25T12:02:00Z'))
  expect(await tick('2026-11-25T12:01:30Z')).toEqual([])
})

it('leaves a time out while the job before it waits or runs', async () => {
  await aSchedule()
  expect(await tick('2026-11-25T12:01:00Z')).toHaveLength(1)
  expect(await tick('2026-11-25T12:02:00Z')).toEqual([])
  await endJobs()
  expect(await tick('2026-11-25T12:02:30Z')).toEqual([])
  expect(times(await tick('2026-11-25T12:03:00Z'))).toEqual(['2026-11-25T12:03:00.000Z'])
})

it('has a job tried again that waits after a failure, instead of making one; a jitter it leaves alone', async () => {
  await aSchedule()
  const [job] = await tick('2026-11-25T12:01:00Z')
  const later = new Date('2026-11-25T12:09:00Z')
  await database.kysely.updateTable('jobs').set({ run_after: later }).execute()
  const runAfter = async () =>
    (await database.kysely.selectFrom('jobs').select(['id', 'run_after']).execute()).map(row => row.run_after)
  expect(await tick('2026-11-25T12:02:00Z')).toEqual([])
  expect(await runAfter()).toEqual([later])

  await database.kysely.updateTable('jobs').set({ attempt: 1 }).execute()
  delivered.length = 0
  expect(await tick('2026-11-25T12:03:00Z')).toEqual([])
  expect(await runAfter()).toEqual([new Date('2026-11-25T12:03:00Z')])
  expect(delivered).toEqual([job?.id])
})

it.each([
  { catchUp: 'once' as const, back: '2026-11-25T15:20:00Z', expected: ['2026-11-25T15:00:00.000Z'] },
  { catchUp: 'skip' as const, back: '2026-11-25T15:20:00Z', expected: [] },
  { catchUp: 'skip' as const, back: '2026-11-25T15:00:59Z', expected: ['2026-11-25T15:00:00.000Z'] },
  { catchUp: 'skip' as const, back: '2026-11-25T15:01:00Z', expected: [] },
])(
  'after a night without service, $catchUp at $back fires for $expected',
  async ({ catchUp, back, expected }) => {
    const { id } = await aSchedule({ cron: '0 * * * *', catchUp })
    expect(times(await tick(back))).toEqual(expected)
    expect((await getSchedule(database, id))?.next_run_at).toEqual(new Date('2026-11-25T16:00:00Z'))
  },
)

it('lets a job wait by the jitter, the same on every machine', async () => {
  const schedule = await aSchedule({ jitterSeconds: 600 })
  const [job] = await tick('2026-11-25T12:01:00Z')
  const wait = (job?.run_after.getTime() ?? 0) - Date.parse('2026-11-25T12:01:00Z')
  expect(wait).toBe(jitterMs(schedule, new Date('2026-11-25T12:01:00Z')))
  const waits = Array.from({ length: 200 }, (_, minute) =>
    jitterMs(schedule, new Date(START.getTime() + minute * 60_000)),
  )
  expect(Math.max(...waits)).toBeLessThan(600_000)
  expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(400_000)
})

it('does not let a schedule that cannot be read keep the others from firing', async () => {
  const broken = await aSchedule()
  await updateSchedule(database, broken.id, { cron: 'not a cron' })
  const sound = await aSchedule()
  expect(await tick('2026-11-25T12:01:00Z')).toMatchObject([{ schedule_id: sound.id }])
  expect((await getSchedule(database, broken.id))?.next_run_at).toBeNull()
})

it('fires nothing of a schedule that is not enabled', async () => {
  const { id } = await aSchedule()
  await updateSchedule(database, id, { enabled: false, nextRunAt: null })
  expect(await tick('2026-11-25T12:05:00Z')).toEqual([])
})

it('fires each time at most once and never two at once, whatever clocks do and however many look', async () => {
  const aStep = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 200 }) },
    { weight: 2, arbitrary: fc.integer({ min: 3_600, max: 90_000 }) },
    { weight: 2, arbitrary: fc.integer({ min: -7_200, max: -1 }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('* * * * *', '*/7 * * * *', '30 2 * * *', '0 */3 * * *'),
      fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
      fc.constantFrom('once' as const, 'skip' as const),
      fc.constantFrom('2026-11-25T12:00:30Z', '2026-03-28T22:00:00Z', '2026-10-24T22:00:00Z'),
      fc.array(fc.record({ seconds: aStep, ends: fc.boolean() }), { minLength: 3, maxLength: 12 }),
      async (cron, timezone, catchUp, start, steps) => {
        await database.kysely.deleteFrom('jobs').execute()
        await database.kysely.deleteFrom('schedules').execute()
        let clock = Date.parse(start)
        await aSchedule({ cron, timezone, catchUp, from: new Date(clock) })
        const fired: (string | undefined)[] = []
        for (const { seconds, ends } of steps) {
          clock += seconds * 1000
          const made = (await Promise.all([1, 2, 3].map(() => tick(new Date(clock))))).flat()
          expect(made.length).toBeLessThanOrEqual(1)
          for (const { scheduled_for } of made) {
            expect((scheduled_for as Date).getTime()).toBeLessThanOrEqual(clock)
            if (catchUp === 'skip') {
              expect(clock - (scheduled_for as Date).getTime()).toBeLessThan(60_000)
            }
          }
          fired.push(...times(made))
          const open = await database.kysely
            .selectFrom('jobs')
            .select('id')
            .where('state', 'in', ['queued', 'running'])
            .execute()
          expect(open.length).toBeLessThanOrEqual(1)
          if (ends) await endJobs()
        }
        expect(new Set(fired).size).toBe(fired.length)
      },
    ),
    { numRuns: roundsOf(12) },
  )
})

it('several at once, by the real clock, fire a time once; a time that a wrong clock put far off is set right', async () => {
  const schedule = await aSchedule()
  await database.kysely
    .updateTable('schedules')
    .set({ next_run_at: new Date(Math.floor(Date.now() / 60_000) * 60_000) })
    .execute()
  const log = QUIET as unknown as Parameters<typeof startScheduler>[0]['log']
  const schedulers = [1, 2, 3].map(() => startScheduler({ database, deliver, log }))
  try {
    await expect
      .poll(() => database.kysely.selectFrom('jobs').select('id').execute(), {
        interval: 100,
      })
      .toHaveLength(1)
    await database.kysely
      .updateTable('schedules')
      .set({ next_run_at: new Date(Date.now() + 86_400_000) })
      .execute()
    await expect
      .poll(async () => (await getSchedule(database, schedule.id))?.next_run_at?.getTime(), {
        interval: 100,
      })
      .toBeLessThan(Date.now() + 3_600_000)
  } finally {
    await Promise.all(schedulers.map(scheduler => scheduler.stop()))
  }
})
