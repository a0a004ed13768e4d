import { expect, it } from 'vitest'
import { ORDERS } from '#screens/schedules/schedule-order.ts'

const at = (source: string, next_run_at: string | null) => ({ source, next_run_at })
const LISTED = [
  at('off', null),
  at('late', '2026-12-03T00:00:00.000Z'),
  at('also-off', null),
  at('soon', '2026-12-02T00:00:00.000Z'),
]

it('the schedule that runs next is the first, and those that are off are the last, by name', () => {
  const names = LISTED.toSorted(ORDERS.next).map(({ source }) => source)
  expect(names).toEqual(['soon', 'late', 'also-off', 'off'])
})
