import { expect, test } from 'vitest'
import { jobConditions } from '#monitoring/job-conditions.ts'

const MINUTE = 60_000
const jobs = (failingFor: number | null) => ({
  kind: 'backup' as const,
  source: 'shop-db',
  target: null,
  count: 1,
  running: 0,
  oldest_ms: null,
  failing:
    failingFor === null ? null : { for_ms: failingFor, code: 'UNREACHABLE', message: 'PostgreSQL is away' },
})
const find = (failingFor: number | null, isChatThere = true) =>
  jobConditions([jobs(failingFor)], { waitingForMs: 60 * MINUTE, isChatThere })

test('a backup that is tried again and again is told of after a quarter of an hour, with the reason', () => {
  expect(find(null)).toEqual([])
  expect(find(15 * MINUTE)).toEqual([])
  expect(find(16 * MINUTE)).toMatchObject([
    {
      key: 'backup_held_up:shop-db',
      source: 'shop-db',
      details: { code: 'UNREACHABLE', message: 'PostgreSQL is away', failing_seconds: 960 },
    },
  ])
})

test('while the chat is away that alone is told, not each source that it holds up', () => {
  expect(find(16 * MINUTE, false)).toEqual([])
})
