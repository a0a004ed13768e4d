import { createBackup, setRetentionPolicy, updateBackup } from '@telegram-backup/database'
import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { planRetention } from '#retention/catalog-plan.ts'

let database: Awaited<ReturnType<typeof openTestCatalog>>
const DAY_MS = 86_400_000

beforeEach(async () => {
  database = await openTestCatalog()
})
afterEach(() => database.discard())

async function aBackup(daysAgo: number, expires_at?: Date): Promise<string> {
  const { id } = await createBackup(database, {
    ...{ project_id: 'shop', type: 'database', file_id: 'f', size: 1 },
    created_at: new Date(Date.now() - daysAgo * DAY_MS),
    ...(expires_at && { expires_at }),
  })
  return id
}

async function decisions(): Promise<Record<string, string>> {
  const plan = await planRetention(database)
  return Object.fromEntries(plan.map(({ backup, decision, reason }) => [backup.id, `${decision}: ${reason}`]))
}

const keepLast = (last: number): Promise<void> =>
  setRetentionPolicy(database, { project_id: 'shop', type: 'database', keep: { last } })

it('backups that come every day tell by all that there were, also those erased since, that they have stopped', async () => {
  for (let day = 31; day > 22; day--) {
    const id = await aBackup(day)
    if (day === 31 || day === 23) continue
    await updateBackup(database, id, { state: 'erasing' })
    await updateBackup(database, id, { state: 'erased' })
  }
  const [oldest, ...others] = Object.values(await decisions()).sort()
  expect(others).toHaveLength(1)
  expect(oldest).toMatch(
    /^held: expired .*; backups have stopped: the newest is 23 d old, they used to come every 24 h$/,
  )
})

it('a backup counts from when the catalog saw it begin where the clock of its maker was behind', async () => {
  const wrong = await aBackup(20_000)
  const [older, newer] = [await aBackup(2), await aBackup(1)]
  await keepLast(2)
  expect(await decisions()).toMatchObject({ [wrong]: expect.stringMatching(/^erase/) })
  await database.kysely
    .insertInto('backup_history')
    .values({ backup_id: wrong, event: 'sending', actor: 'a test' })
    .execute()
  expect(await decisions()).toEqual({
    [wrong]: 'keep: last 1 of 2',
    [newer]: 'keep: last 2 of 2',
    [older]: 'erase: no rule keeps it',
  })
})

it('an expiry that was given when a backup was recorded, or since, decides, and no policy does', async () => {
  const later = new Date(Date.now() + 100 * DAY_MS)
  const recorded = await aBackup(9, later)
  const prolonged = await aBackup(8)
  const plain = await aBackup(7)
  const last = await aBackup(1)
  await updateBackup(database, prolonged, { expires_at: later })
  await keepLast(1)
  const stays = `keep: expires ${later.toISOString().slice(0, 10)}`
  expect(await decisions()).toEqual({
    [recorded]: stays,
    [prolonged]: stays,
    [plain]: 'erase: no rule keeps it',
    [last]: 'keep: last 1 of 1',
  })
})
