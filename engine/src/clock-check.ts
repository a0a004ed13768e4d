import { catalogClock, type Database } from '@telegram-backup/database'
import { roughSpan } from '#retention/keep-policy.ts'

/** Clocks that are right differ by less, in ms. */
const CLOCKS_DIFFER_MS = 300_000

/**
 * In words, by how much this machine's clock and the catalog's differ; undefined where they agree. A backup
 * has the time of the machine that makes it: where that is wrong, retention and monitoring go wrong.
 */
export async function clockDifference(
  database: Database,
  ownClock: () => number = Date.now,
): Promise<string | undefined> {
  const before = ownClock()
  const catalog = (await catalogClock(database)).getTime()
  const after = ownClock()
  // The catalog looked at its clock at some time in between.
  const ms = Math.max(before - catalog, catalog - after)
  if (ms <= CLOCKS_DIFFER_MS) return undefined
  const which = before > catalog ? 'ahead of' : 'behind'
  return `this machine's clock is ${roughSpan(ms)} ${which} the catalog's; set right the one that is wrong: what is kept goes by it`
}
