import { type Database, listSchedules, servedNames } from '@telegram-backup/database'

/**
 * A warning about scheduled sources that no machine knows: neither this one, by `sourceNames`, nor a serve
 * that ran within the last day. Undefined without any.
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
  return `Schedules back up ${names.join(', ')}, but no telegram-backup.yaml names them, neither here nor at another serve: their jobs fail after an hour. Write them into the file, or remove the schedules.`
}
