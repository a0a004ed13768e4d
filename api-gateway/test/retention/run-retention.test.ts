import {
  announce,
  claimNotice,
  closeNotice,
  createBackup,
  createSchedule,
  deleteExpiredBackups as deleteByCatalogAlone,
  type JsonObject,
  pinBackup,
  removeSchedule,
  removeSourcePolicies,
  setRetentionPolicy,
} from '@telegram-backup/database'
import { readConfig } from '@telegram-backup/engine/environment.ts'
import { startRetention } from '@telegram-backup/engine/retention/retention-runs.ts'
import { type RetentionEvent, runRetention } from '@telegram-backup/engine/retention/run-retention.ts'
import { cliEnvironment } from '@telegram-backup/test-support/cli-environment.ts'
import { openTestCatalog, openTestVault, type TestVault } from '@telegram-backup/test-support/vault.ts'
import { openSession } from '@telegram-backup/vault/session/open-session.ts'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { deleteExpiredBackups } from '#lib/backups/backups.service.ts'

let vault: TestVault
let database: Awaited<ReturnType<typeof openTestCatalog>>
const HOUR_MS = 3_600_000
const deliver = async (): Promise<void> => {}

beforeAll(async () => {
  vault = await openTestVault()
})
afterAll(() => vault.close())
beforeEach(async () => {
  database = await openTestCatalog()
})
afterEach(() => database.discard())

/** Recorded by hand: nothing of it is in a chat. */
async function aBackup(hoursAgo: number): Promise<string> {
  const created_at = new Date(Date.now() - hoursAgo * HOUR_MS)
  const { id } = await createBackup(database, {
    project_id: 'shop',
    type: 'database',
    file_id: 'f',
    size: 1,
    created_at,
  })
  return id
}

async function run(noticeMs = 0, notice: JsonObject | null = null) {
  const told: RetentionEvent[] = []
  const { signal } = new AbortController()
  const config = readConfig(await cliEnvironment(vault))
  const session = await openSession({ database, client: vault.client, config, signal })
  await runRetention(session, {
    noticeMs,
    untilDelivered: notice !== null,
    announce: async event => {
      told.push(event)
      const [id = null] = notice === null ? [] : await announce(database, { channels: ['webhook'], notice })
      return id
    },
  })
  return { told, erased: session.report.erased_backups.map(({ backup_id }) => backup_id) }
}

async function keepLast(last: number): Promise<void> {
  await setRetentionPolicy(database, { project_id: 'shop', type: 'database', keep: { last } })
}

async function states(): Promise<Record<string, string>> {
  const rows = await database.kysely.selectFrom('backups').select(['id', 'state']).execute()
  return Object.fromEntries(rows.map(({ id, state }) => [id, state]))
}

it('tells what goes before it goes, and names each', async () => {
  const old = await aBackup(3)
  await aBackup(2)
  await aBackup(1)
  await keepLast(2)
  const { told, erased } = await run()
  expect(erased).toEqual([old])
  expect(told).toMatchObject([
    {
      kind: 'retention.notice',
      text: expect.stringContaining(old.slice(0, 8)),
      details: { erase: [{ id: old, reason: 'no rule keeps it' }], needs_word: [] },
    },
  ])
  expect(await run()).toEqual({ told: [], erased: [] })
})

it('waits for its time of notice, tells once, and forgets a notice that is no longer true', async () => {
  const old = await aBackup(3)
  await aBackup(2)
  await aBackup(1)
  await keepLast(2)
  expect(await run(HOUR_MS)).toMatchObject({ told: [{ details: { erase: [{ id: old }] } }], erased: [] })
  expect(await run(HOUR_MS)).toEqual({ told: [], erased: [] })
  await pinBackup(database, old, true)
  expect(await run(HOUR_MS)).toEqual({ told: [], erased: [] })
  await pinBackup(database, old, false)
  expect((await run(HOUR_MS)).told).toHaveLength(1)
  await database.kysely
    .updateTable('retention_notices')
    .set({ told_at: new Date(Date.now() - 2 * HOUR_MS) })
    .execute()
  expect(await run(HOUR_MS)).toEqual({ told: [], erased: [old] })
})

it('tells once what needs a word, and leaves it', async () => {
  for (const hours of [4, 3, 2, 1]) await aBackup(hours)
  await keepLast(1)
  const first = await run()
  expect(first.erased).toEqual([])
  expect(first.told).toMatchObject([{ details: { erase: [], needs_word: [{}, {}, {}] } }])
  expect(await run()).toEqual({ told: [], erased: [] })
})

/** As if the time of notice were over. */
async function letNoticesPass(...ids: string[]): Promise<void> {
  await database.kysely
    .updateTable('retention_notices')
    .set({ told_at: new Date(Date.now() - 2 * HOUR_MS) })
    .$if(ids.length > 0, query => query.where('backup_id', 'in', ids))
    .execute()
}

it('a time of notice takes the place of no word', async () => {
  for (let hours = 1; hours <= 10; hours++) await aBackup(hours)
  await keepLast(2)
  const { told, erased } = await run(HOUR_MS)
  expect(erased).toEqual([])
  expect(told).toMatchObject([{ details: { erase: [], needs_word: Array(8).fill({}) } }])
  await letNoticesPass()
  expect(await run(HOUR_MS)).toEqual({ told: [], erased: [] })
})

it('those that wait already are let go when their time is over, and what is more needs a word', async () => {
  const ids: string[] = []
  for (let hours = 1; hours <= 10; hours++) ids.push(await aBackup(hours))
  await keepLast(6)
  expect((await run(HOUR_MS)).told).toMatchObject([{ details: { erase: Array(4).fill({}) } }])
  await keepLast(2)
  expect((await run(HOUR_MS)).told).toMatchObject([{ details: { erase: [], needs_word: Array(4).fill({}) } }])
  await letNoticesPass()
  const { told, erased } = await run(HOUR_MS)
  expect(told).toEqual([])
  expect(new Set(erased)).toEqual(new Set(ids.slice(6)))
})

it('many that wait for the end of their notice are not taken for too many at once', async () => {
  const [oldest] = [await aBackup(10), await aBackup(9), await aBackup(8)]
  await keepLast(2)
  for (let hours = 7; hours > 0; hours--) {
    expect((await run(HOUR_MS)).told).toMatchObject([{ details: { erase: [{}], needs_word: [] } }])
    await aBackup(hours)
  }
  await run(HOUR_MS)
  await letNoticesPass(oldest)
  expect(await run(HOUR_MS)).toEqual({ told: [], erased: [oldest] })
})

it('what cannot be told is not erased', async () => {
  const old = await aBackup(3)
  await aBackup(2)
  await aBackup(1)
  await keepLast(2)
  const config = readConfig(await cliEnvironment(vault))
  const session = await openSession({
    database,
    client: vault.client,
    config,
    signal: new AbortController().signal,
  })
  const announce = () => Promise.reject(new Error('nobody listens'))
  await expect(runRetention(session, { noticeMs: 0, announce, untilDelivered: true })).rejects.toThrow(
    'nobody listens',
  )
  expect((await states())[old]).toBe('complete')
})

it('nothing is erased before its notice was told, and the time of notice counts from then', async () => {
  await aBackup(3)
  await aBackup(2)
  const old = await aBackup(4)
  await keepLast(2)
  const claim = () => claimNotice(database, { channels: ['webhook'], claimForMs: 1 })
  expect((await run(1, {})).erased).toEqual([])
  await sql`update control_plane.retention_notices set told_at = told_at - interval '1 day'`.execute(
    database.kysely,
  )
  // The webhook is down for longer than the time of notice.
  expect(await run(1, {})).toEqual({ told: [], erased: [] })
  const givenUp = await claim()
  if (givenUp === null) throw new Error('nothing waits')
  await closeNotice(database, { ...givenUp, wasTold: false })
  const again = await run(1, {})
  expect(again).toMatchObject({ told: [{ details: { erase: [{ id: old }] } }], erased: [] })
  const told = await claim()
  if (told === null) throw new Error('nothing waits')
  await closeNotice(database, { ...told, wasTold: true })
  expect((await run(HOUR_MS, {})).erased).toEqual([])
  expect((await run(0, {})).erased).toEqual([old])
})

it('the library marks what the plan lets go, and nothing that a policy or a pin keeps', async () => {
  const kept = [await aBackup(24), await aBackup(24 * 40)]
  const [pinned, gone] = [await aBackup(24 * 50), await aBackup(24 * 60)]
  await keepLast(2)
  await pinBackup(database, pinned, true)
  expect(await deleteByCatalogAlone(database)).toBe(0)
  expect(await deleteExpiredBackups({ database })).toBe(1)
  expect(await states()).toEqual({
    [gone]: 'erasing',
    [pinned]: 'complete',
    [kept[0] as string]: 'complete',
    [kept[1] as string]: 'complete',
  })
})

it('the word of whoever calls the library counts where expires_at alone decides, and not where a policy does', async () => {
  for (const days of [1, 32, 33, 34]) await aBackup(24 * days)
  await keepLast(1)
  expect(await deleteExpiredBackups({ database })).toBe(0)
  await setRetentionPolicy(database, { project_id: 'shop', type: 'database', keep: null })
  expect(await deleteExpiredBackups({ database })).toBe(3)
})

it('what a removed schedule kept stays, until somebody lets go of it', async () => {
  for (const days of [0, 1, 2, 31, 32]) await aBackup(24 * days)
  await database.kysely.updateTable('backups').set({ source_name: 'shop' }).execute()
  const of = { projectId: 'shop', type: 'database', source: 'shop' } as const
  const when = { cron: '0 2 * * *', timezone: 'UTC', nextRunAt: null }
  const { id } = await createSchedule(database, { ...of, ...when, keep: { daily: 30 } })
  await removeSchedule(database, id)
  expect(await deleteByCatalogAlone(database)).toBe(0)
  expect(await run()).toEqual({ told: [], erased: [] })
  await removeSourcePolicies(database, { project_id: 'shop', type: 'database', source: 'shop' })
  expect((await run()).erased).toHaveLength(2)
})

it('the library marks nothing of a source whose backups have stopped', async () => {
  for (const days of [40, 41, 42]) await aBackup(24 * days)
  await database.kysely.updateTable('backups').set({ source_name: 'shop' }).execute()
  const schedule = {
    source: 'shop',
    projectId: 'shop',
    type: 'database',
    cron: '0 * * * *',
    timezone: 'UTC',
    nextRunAt: null,
  } as const
  await createSchedule(database, schedule)
  expect(await deleteByCatalogAlone(database)).toBe(0)
  expect(await deleteExpiredBackups({ database })).toBe(0)
  await database.kysely.updateTable('schedules').set({ enabled: false }).execute()
  expect(await deleteByCatalogAlone(database)).toBe(0)
  expect(await deleteExpiredBackups({ database })).toBe(0)
  await database.kysely.deleteFrom('schedules').execute()
  expect(await deleteExpiredBackups({ database })).toBe(2)
})

it('of several services one hands in a job after a scheduled backup, and not again within the minute', async () => {
  const log = { info: () => {}, warn: () => {} } as unknown as Parameters<typeof startRetention>[0]['log']
  const services = [1, 2, 3].map(() =>
    startRetention({ database, deliver, log, lookEveryMs: 30, leastMs: 700, mostMs: 60_000 }),
  )
  const jobs = () => database.kysely.selectFrom('jobs').select(['id', 'kind', 'state']).execute()
  try {
    await expect.poll(jobs).toMatchObject([{ kind: 'expire', state: 'queued' }])
    await database.kysely.updateTable('jobs').set({ state: 'done', finished_at: new Date() }).execute()
    await new Promise(resolve => setTimeout(resolve, 900))
    expect(await jobs()).toHaveLength(1)
    const backup = await aBackup(0)
    await database.kysely.updateTable('backups').set({ schedule_id: backup }).execute()
    await expect.poll(jobs).toHaveLength(2)
    await new Promise(resolve => setTimeout(resolve, 900))
    expect(await jobs()).toHaveLength(2)
  } finally {
    await Promise.all(services.map(service => service.stop()))
  }
})
