import { createBackup, createSchedule, type KeepPolicy } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { previewRetention } from '#operations/preview-retention.ts'

const SHOP = { projectId: 'shop', type: 'database' } as const
const DAY_MS = 86_400_000

let database: Awaited<ReturnType<typeof openTestCatalog>>
let scheduleId: string
/** Newest first. */
let backups: string[]

beforeEach(async () => {
  database = await openTestCatalog()
  const daily = { cron: '0 3 * * *', timezone: 'UTC', enabled: true, nextRunAt: new Date() }
  scheduleId = (await createSchedule(database, { ...SHOP, ...daily, source: 'shop', keep: { last: 3 } })).id
  backups = []
  for (const daysAgo of [0.5, 1.5, 2.5]) {
    const { id } = await createBackup(database, {
      ...{ project_id: 'shop', type: 'database', file_id: 'f', size: 1 },
      created_at: new Date(Date.now() - daysAgo * DAY_MS),
    })
    backups.push(id)
  }
  await database.kysely.updateTable('backups').set({ source_name: 'shop' }).execute()
})
afterEach(() => database.discard())

async function erased(of: { keep: KeepPolicy | null; scheduleId?: string; source?: string }) {
  const { erases } = await previewRetention(database, { ...SHOP, ...of })
  return erases.map(({ id }) => backups.indexOf(id))
}

it('another policy of a schedule takes the place of its own, and changes nothing', async () => {
  expect(await erased({ keep: { last: 3 }, scheduleId })).toEqual([])
  expect(await erased({ keep: { last: 2 }, scheduleId })).toEqual([2])
  expect(await erased({ keep: { last: 3 }, scheduleId })).toEqual([])
})

it('the policy of a new schedule, or of the project and type, keeps nothing less than the schedule does', async () => {
  expect(await erased({ keep: { last: 1 }, source: 'shop' })).toEqual([])
  expect(await erased({ keep: { last: 1 } })).toEqual([])
})

it('the policy of a new schedule of another source has no say', async () => {
  expect(await erased({ keep: { last: 9 }, source: 'other' })).toEqual([])
  await database.kysely
    .updateTable('schedules')
    .set({ keep: JSON.stringify({ last: 2 }) })
    .execute()
  expect(await erased({ keep: { last: 9 }, source: 'other' })).toEqual([2])
  expect(await erased({ keep: { last: 9 }, source: 'shop' })).toEqual([])
})
