import type { Schedule } from '#api/generated/types.gen.ts'
import type { SORTS } from '#screens/schedules/schedules-search.ts'

type Listed = Pick<Schedule, 'source' | 'next_run_at'>

/** The orders of the list; schedules that are off have no next run, and come last. */
export const ORDERS: Readonly<Record<(typeof SORTS)[number], (a: Listed, b: Listed) => number>> = {
  source: bySource,
  next: (a, b) => nextRun(a) - nextRun(b) || bySource(a, b),
}

function bySource(a: Listed, b: Listed): number {
  return a.source.localeCompare(b.source)
}

function nextRun({ next_run_at }: Listed): number {
  return next_run_at === null ? Number.MAX_SAFE_INTEGER : Date.parse(next_run_at)
}
