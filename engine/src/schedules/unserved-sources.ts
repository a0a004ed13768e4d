import { type Database, listSchedules, servedNames } from '@telegram-backup/database'

/**
 * What to tell of sources that an enabled schedule backs up and nobody does: neither `sourceNames`, which are
 * this machine's, nor a serve that ran within the last day. Undefined where there are none.
 */
export async function describeUnserved(
  database: Database,
  sourceNames: readonly string[],
): Promise<string | undefined> {
  const enabled = (await listSchedules(database)).filter(schedule => schedule.enabled)
  const { sources } = await servedNames(database)
  const known = new Set([...sourceNames, ...sources])
  const names = [...new Set(enabled.map(({ source }) => source))].filter(name => !known.has(name))
  if (names.length === 0) return undefined
  return `Schedules back up ${names.join(', ')}, which neither telegram-backup.yaml here nor that of another serve names: their jobs fail after an hour. Write them into the file, or remove the schedules.`
}
