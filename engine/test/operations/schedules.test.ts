import { createJob, createSchedule, listSchedules } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addSchedule, changeSchedule, scheduleView, scheduleViews } from '#operations/schedules.ts'

let database: Awaited<ReturnType<typeof openTestCatalog>>
const configFile = {
  source: (name: string) => {
    if (name === 'shop') return { project: 'shop', type: 'database', file: '/nowhere' }
    throw new BackupError('No such source', { code: 'CONFIGURATION', hint: 'There are: shop.' })
  },
}

beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(async () => {
  await database.discard()
})

const add = (terms: object) =>
  addSchedule(database, { source: 'shop', cron: '30 2 * * *', ...terms }, configFile)

it('is shown as it was made', async () => {
  const schedule = await add({
    timezone: 'Europe/Berlin',
    keep: { keep_daily: 7, within: '36h', 'keep-minimum': 2 },
    jitter: 90,
    catch_up: 'skip',
  })
  expect(await scheduleView(database, schedule)).toEqual({
    id: schedule.id,
    source: 'shop',
    cron: '30 2 * * *',
    timezone: 'Europe/Berlin',
    enabled: true,
    keep: { daily: 7, within: '36h', minimum: 2 },
    jitter: 90,
    catch_up: 'skip',
    project_id: 'shop',
    type: 'database',
    last_job: null,
    next_run_at: expect.any(Date),
  })
})

it('has no next time while it is switched off, and one again when it is switched on', async () => {
  const { id } = await add({ enabled: false })
  expect(await changeSchedule(database, id, {})).toMatchObject({ enabled: false, next_run_at: null })
  expect((await changeSchedule(database, id, { enabled: true }))?.next_run_at).toBeInstanceOf(Date)
  expect(await changeSchedule(database, id, { enabled: false })).toMatchObject({ next_run_at: null })
})

it('keeps what is not changed, and reckons its next time anew when its time is', async () => {
  const before = await add({ keep: { last: 3 }, jitter: 5 })
  const after = await changeSchedule(database, before.id, { cron: '0 0 1 1 *' })
  expect(after).toMatchObject({ keep: { last: 3 }, jitter_seconds: 5, timezone: 'UTC' })
  expect(after?.next_run_at?.toISOString()).toMatch(/-01-01T00:00:00.000Z$/)
  expect(await changeSchedule(database, before.id, { keep: null })).toMatchObject({
    keep: null,
    cron: '0 0 1 1 *',
  })
})

it('knows no schedule of another id', async () => {
  expect(await changeSchedule(database, '00000000-0000-4000-8000-000000000000', {})).toBeNull()
  expect(await changeSchedule(database, 'no id', { enabled: false })).toBeNull()
})

it.each([
  ['an expression that never comes', { cron: '0 0 31 2 *' }, 'INVALID'],
  ['one that never comes, switched off', { cron: '0 0 31 2 *', enabled: false }, 'INVALID'],
  ['a time zone that is none', { timezone: 'Mars/Olympus' }, 'INVALID'],
  ['a jitter of more than a day', { jitter: 86_401 }, 'INVALID'],
  ['a jitter of half a second', { jitter: 0.5 }, 'INVALID'],
  ['an unknown rule', { keep: { forever: 1 } }, 'INVALID'],
  ['a rule that keeps none', { keep: { last: 0 } }, 'INVALID'],
  ['a text for a number', { keep: { last: '3' } }, 'INVALID'],
  ['a list for a policy', { keep: [] }, 'INVALID'],
  ['a span that is none', { keep: { within: 'long' } }, 'USAGE'],
  ['a span of no length', { keep: { within: '0' } }, 'INVALID'],
  ['a source that the file does not name', { source: 'other' }, 'CONFIGURATION'],
])('refuses %s, and writes nothing', async (_, terms, code) => {
  const count = async () => (await database.kysely.selectFrom('schedules').select('id').execute()).length
  const before = await count()
  await expect(add(terms)).rejects.toMatchObject({ code })
  expect(await count()).toBe(before)
})

it('all of them are shown with their last jobs by one statement', async () => {
  const schedules = await Promise.all([add({}), add({}), add({})])
  const request = { kind: 'backup', projectId: 'shop', source: 'shop' } as const
  const { job } = await createJob(database, { ...request, scheduleId: schedules[1]?.id }, async () => {})
  let statements = 0
  const kysely = database.kysely.withPlugin({
    transformQuery: ({ node }) => {
      statements += 1
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const views = await scheduleViews({ ...database, kysely }, schedules)
  expect(statements).toBe(1)
  expect(views.map(({ last_job }) => last_job?.id)).toEqual([undefined, job.id, undefined])
  expect(views[1]).toEqual(await scheduleView(database, schedules[1] as (typeof schedules)[0]))
})

it('a project has no more of them than can be looked at', async () => {
  const { length } = await listSchedules(database, { projectId: 'shop' })
  const plan = { source: 'shop', projectId: 'shop', type: 'database', cron: '0 0 * * *' } as const
  const many = Array.from({ length: 199 - length }, () =>
    createSchedule(database, { ...plan, timezone: 'UTC', nextRunAt: null }),
  )
  await Promise.all(many)
  await add({})
  await expect(add({})).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('200') })
})

it.each([
  ['no project', { file: '/nowhere' }, 'Name the project'],
  ['a project that cannot be', { project: 'my shop', type: 'logs', file: '/nowhere' }, 'project id'],
  ['nothing to read', { project: 'shop', type: 'logs' }, 'exactly one source'],
  ['a setting of no use', { project: 'shop', type: 'logs', file: '/nowhere', exclude: ['x'] }, '"exclude"'],
  ['an expiry in the past', { project: 'shop', type: 'logs', file: 'x', expires: '2020-01-31' }, 'future'],
  ['no database URL', { project: 'shop', type: 'database', postgres: 'mysql://h/d' }, 'URL is malformed'],
])('is not made for a source with %s, which is named', async (_, settings, words) => {
  const before = await listSchedules(database)
  const adding = addSchedule(database, { source: 'shop', cron: '30 2 * * *' }, { source: () => settings })
  await expect(adding).rejects.toMatchObject({
    code: 'CONFIGURATION',
    message: expect.stringMatching(new RegExp(`^The source "shop" cannot be backed up: .*${words}`)),
  })
  expect(await listSchedules(database)).toEqual(before)
})
