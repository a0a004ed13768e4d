import {
  type Database,
  drillUnits,
  type Job,
  type JsonObject,
  listJobs,
  listSchedules,
  openAlerts,
  openJobs,
  queueFacts,
  type Schedule,
  sourceFacts,
} from '@telegram-backup/database'
import type { Condition, WatchFacts } from '#monitoring/conditions.ts'

/** The longest time between two runs of a schedule, in milliseconds. */
export type IntervalOf = (schedule: Pick<Schedule, 'cron' | 'timezone'>) => number

export async function gatherFacts(
  database: Database,
  intervalOf: IntervalOf,
): Promise<Omit<WatchFacts, 'now' | 'watchedSince' | 'chatTrouble' | 'fileFaults'>> {
  const sources = await sourceFacts(database)
  const drills = await drillUnits(database)
  const schedules = await listSchedules(database)
  const jobs = await openJobs(database)
  const { erase_failures, notices } = await queueFacts(database)
  const alerts = await openAlerts(database)
  return {
    sources,
    drills,
    intervalsMs: sourceIntervals(schedules, intervalOf),
    pausedSchedules: pausedSchedules(schedules, intervalOf),
    scheduledPlaces: scheduledPlaces(schedules),
    openJobs: jobs,
    eraseFailures: erase_failures,
    notices,
    openAlerts: new Set(alerts.map(({ key }) => key)),
  }
}

/** By source; with several enabled schedules, the most frequent one counts. */
function sourceIntervals(
  schedules: readonly Schedule[],
  intervalOf: IntervalOf,
): ReadonlyMap<string, number> {
  const intervals = new Map<string, number>()
  for (const schedule of schedules) {
    if (!schedule.enabled) continue
    const interval = intervalOf(schedule)
    intervals.set(schedule.source, Math.min(interval, intervals.get(schedule.source) ?? interval))
  }
  return intervals
}

function pausedSchedules(
  schedules: readonly Schedule[],
  intervalOf: IntervalOf,
): WatchFacts['pausedSchedules'] {
  const enabled = new Set(schedules.flatMap(one => (one.enabled ? [one.source] : [])))
  const paused = new Map<string, { intervalMs: number; since: number }>()
  for (const schedule of schedules) {
    const { source, updated_at } = schedule
    if (enabled.has(source)) continue
    const { intervalMs = Number.POSITIVE_INFINITY, since = 0 } = paused.get(source) ?? {}
    paused.set(source, {
      intervalMs: Math.min(intervalMs, intervalOf(schedule)),
      since: Math.max(since, updated_at.getTime()),
    })
  }
  return paused
}

function scheduledPlaces(schedules: readonly Schedule[]): WatchFacts['scheduledPlaces'] {
  const places = new Map<string, string[]>()
  for (const { source, project_id, type } of schedules)
    places.set(source, [...(places.get(source) ?? []), `${project_id}/${type}`])
  return places
}

/** Adds why the last backup of a source failed, from its job. Null when a person cancelled it. */
export async function explain(database: Database, condition: Condition): Promise<Condition | null> {
  const { kind, source, details } = condition
  if (kind !== 'backup_failed' || source === null) return condition
  const failedAt = Date.parse(String(details['failed_at']))
  const [last] = await listJobs(database, { source, limit: 1 })
  const isOf = (job: Job): boolean =>
    job.started_at !== null &&
    job.finished_at !== null &&
    job.started_at.getTime() <= failedAt &&
    failedAt <= job.finished_at.getTime()
  if (last?.state === 'cancelled' && isOf(last)) return null
  const [failed] = await listJobs(database, { source, state: 'failed', limit: 1 })
  if (failed?.error == null || failed.finished_at?.getTime() !== failedAt) return condition
  const { code, message } = failed.error
  return { ...condition, details: { ...details, job_id: failed.id, code, message: message.slice(0, 500) } }
}

export function alertDetails({ project, type, source, details }: Condition): JsonObject {
  return { project, type, source, details }
}

export function conditionOfAlert(kind: string, details: JsonObject): Omit<Condition, 'key'> {
  return {
    kind,
    project: null,
    type: null,
    source: null,
    ...details,
    details: { ...(details['details'] as object) },
  } as Omit<Condition, 'key'>
}
