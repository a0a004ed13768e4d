import { openTestCatalog } from '@telegram-backup/test-support/vault.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clockDifference } from '#clock-check.ts'

let database: Awaited<ReturnType<typeof openTestCatalog>>
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())

it.each([
  [0, undefined],
  [4, undefined],
  [-4, undefined],
  [60, expect.stringContaining("this machine's clock is 60 min ahead of the catalog's")],
  [-120, expect.stringContaining("this machine's clock is 120 min behind the catalog's")],
])('a clock that is %i minutes off is told of beyond five', async (minutes, words) => {
  const ownClock = () => Date.now() + minutes * 60_000
  expect(await clockDifference(database, ownClock)).toEqual(words)
})

it('a catalog that answers late is not taken for a wrong clock', async () => {
  const looks = [Date.now() - 600_000, Date.now() + 600_000]
  expect(await clockDifference(database, () => looks.shift() ?? 0)).toBeUndefined()
})
