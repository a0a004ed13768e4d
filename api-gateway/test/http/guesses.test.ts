import { randomBytes } from 'node:crypto'
import { listApiKeys, revokeApiKey } from '@telegram-backup/database'
import type { KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { GoodKeys } from '#http/good-keys.ts'
import { WrongKeys } from '#http/wrong-keys.ts'
import { openTestService, type TestService } from '#test/http/http-service.ts'

const LIMIT = 5

let service: TestService
let key: string
/** Statements that were sent to the catalog. */
let statements = 0

beforeAll(async () => {
  service = await openTestService({ failed_logins_per_minute: LIMIT, trust_proxy: 1 })
  key = await service.key(['read'])
  const counting: KyselyPlugin = {
    transformQuery: ({ node }) => {
      statements += 1
      return node
    },
    transformResult: async ({ result }) => result,
  }
  Object.assign(service.database, { kysely: service.database.kysely.withPlugin(counting) })
})
afterAll(() => service.close())
// Each from an address of its own, whose minute begins with it.
let address = 0
beforeEach(async () => {
  address += 1
  for (let count = 0; count < LIMIT; count++) expect(await statusOf(guess())).toBe(401)
  statements = 0
})

const guess = (): string => `tbk_${randomBytes(32).toString('base64url')}`

async function statusOf(of: string): Promise<number> {
  const answer = await service.ask('/backups?limit=1', { key: of, headers: from() })
  await answer.arrayBuffer()
  return answer.status
}

const from = (): Record<string, string> => ({ 'X-Forwarded-For': `192.0.2.${address}` })

/** Guesses that come within a second share a question; on a slow machine they come later. */
const mostSince = (since: number): number => 2 + Math.floor((performance.now() - since) / 1_000)

const linesOf = (status: number): string[] =>
  service.log.filter(line => JSON.parse(line).status === status && JSON.parse(line).msg === 'request')

test('past the limit of its address a hundred guesses cost one question to the catalog, no line of the log, and a second each', async () => {
  const before = service.log.length
  const since = performance.now()
  const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(guess())))
  expect(new Set(statuses)).toEqual(new Set([429]))
  expect(performance.now() - since).toBeGreaterThan(990)
  expect(statements).toBeLessThanOrEqual(mostSince(since))
  expect(service.log.slice(before)).toEqual([])
  expect(linesOf(429)).toEqual([])
})

test('good keys from the same address come in meanwhile, one that was made in the middle of it as well', async () => {
  const guesses = Promise.all(Array.from({ length: 50 }, () => statusOf(guess())))
  const fresh = await service.key(['read'])
  expect(await Promise.all([statusOf(key), statusOf(fresh), statusOf(fresh)])).toEqual([200, 200, 200])
  await guesses
})

test('a key that is revoked is worth no more than a guess at once, and costs no more', async () => {
  const revoked = await service.key(['read'])
  expect(await statusOf(revoked)).toBe(200)
  const found = (await listApiKeys(service.database)).find(({ prefix }) => revoked.startsWith(prefix))
  await revokeApiKey(service.database, found?.id ?? '')
  expect(await statusOf(revoked)).toBe(401)
  statements = 0
  const since = performance.now()
  const statuses = await Promise.all(Array.from({ length: 30 }, () => statusOf(revoked)))
  expect(new Set(statuses)).toEqual(new Set([429]))
  expect(statements).toBeLessThanOrEqual(mostSince(since))
})

test('what has no form of a key is a guess, too', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, () =>
      service.ask('/backups', { headers: { Authorization: 'Basic eDp5', ...from() } }),
    ),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([429]))
  expect(statements).toBe(0)
})

test('of very many that wait at once those that are too many are to be closed, and a good key is still told from them', async () => {
  const keys = new GoodKeys(service.database)
  const told: unknown[] = []
  const wrong = new WrongKeys({ limit: 1, keys, log: { warn: (facts: unknown) => void told.push(facts) } })
  await keys.isGoodSince(key, performance.now())
  statements = 0
  const since = performance.now()
  const verdicts = Array.from({ length: 1_010 }, () => wrong.judge('192.0.2.99', guess()))
  expect(await Promise.all(verdicts.slice(1_000))).toEqual(Array(10).fill({ is: 'close' }))
  expect(await wrong.judge('192.0.2.99', key)).toEqual({ is: 'good' })
  for (const verdict of await Promise.all(verdicts.slice(0, 1_000)))
    expect(verdict).toMatchObject({ is: 'refuse' })
  expect(statements).toBeLessThanOrEqual(mostSince(since))
  wrong.close()
  expect(told).toEqual([{ refused: 1_000, closed: 10, addresses: ['192.0.2.99'] }])
})

test('the counts are one line when the service ends, or each minute', async () => {
  const other = await openTestService({ failed_logins_per_minute: 1 })
  for (let count = 0; count < 4; count++) await (await other.ask('/backups', { key: guess() })).arrayBuffer()
  await other.close()
  const told = other.log.map(line => JSON.parse(line)).filter(({ refused }) => refused !== undefined)
  expect(told).toMatchObject([{ level: 'warn', refused: 3, closed: 0, addresses: ['127.0.0.1'] }])
})
