import { catalogClock, type Database } from '@telegram-backup/database'
import { roughSpan } from '#retention/keep-policy.ts'
import { CLOCKS_DIFFER_MS } from '#retention/plan-retention.ts'

/**
 * A warning when this machine's clock and the catalog's differ; undefined when they agree. A backup has the
 * time of its machine, and retention and monitoring depend on it.
 */
export async function clockDifference(
  database: Database,
  ownClock: () => number = Date.now,
): Promise<string | undefined> {
  const before = ownClock()
  const catalog = (await catalogClock(database)).getTime()
  const after = ownClock()
  // The catalog read its clock at some time in between.
  const ms = Math.max(before - catalog, catalog - after)
  if (ms <= CLOCKS_DIFFER_MS) return undefined
  const which = before > catalog ? 'ahead of' : 'behind'
  return `this machine's clock is ${roughSpan(ms)} ${which} the catalog's; correct the wrong one: retention depends on it`
}
