import {
  type Alert,
  bucketHealth,
  type Database,
  type DeclaringService,
  declaringServices,
  drillUnits,
  type Job,
  type JsonObject,
  lastSourceJobs,
  listSchedules,
  openAlerts,
  openJobs,
  queueFacts,
  type Schedule,
  type SourceJobs,
  sourceFacts,
} from '@telegram-backup/database'
import { intervalMs } from '#cron/cron-times.ts'
import type { Condition, WatchFacts } from '#monitoring/conditions.ts'

/** The longest time between two runs of a schedule, in milliseconds. */
export type IntervalOf = (schedule: Pick<Schedule, 'cron' | 'timezone'>) => number

/** A schedule that cannot be read is never overdue, so that the others are still watched. */
export const scheduleInterval: IntervalOf = schedule => {
  try {
    return intervalMs(schedule, new Date())
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

export type GatheredFacts = Omit<WatchFacts, 'now' | 'watchedSince' | 'chatTrouble' | 'fileFaults'> & {
  services: readonly DeclaringService[]
  schedules: readonly Schedule[]
  alerts: readonly Alert[]
}

export async function gatherFacts(database: Database, intervalOf: IntervalOf): Promise<GatheredFacts> {
  const sources = await sourceFacts(database)
  const drills = await drillUnits(database)
  const buckets = await bucketHealth(database)
  const schedules = await listSchedules(database)
  const jobs = await openJobs(database)
  const { erase_failures, notices } = await queueFacts(database)
  const alerts = await openAlerts(database)
  const services = await declaringServices(database)
  return {
    services,
    sources,
    drills,
    buckets,
    intervalsMs: sourceIntervals(schedules, intervalOf),
    pausedSchedules: pausedSchedules(schedules, intervalOf),
    scheduledPlaces: scheduledPlaces(schedules),
    openJobs: jobs,
    eraseFailures: erase_failures,
    notices,
    openAlerts: new Set(alerts.map(({ key }) => key)),
    schedules,
    alerts,
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

/**
 * Adds why the last backup of a source failed, from its job. Leaves out a backup that a person cancelled.
 */
export async function explained(database: Database, conditions: readonly Condition[]): Promise<Condition[]> {
  const failed = conditions.flatMap(({ kind, source }) =>
    kind === 'backup_failed' && source !== null ? [source] : [],
  )
  if (failed.length === 0) return [...conditions]
  const jobs = await lastSourceJobs(database, failed)
  return conditions.flatMap(condition => {
    const own = condition.kind === 'backup_failed' ? jobs.get(condition.source ?? '') : undefined
    const told = own === undefined ? condition : explain(condition, own)
    return told === null ? [] : [told]
  })
}

function explain(condition: Condition, { last, lastFailed }: SourceJobs): Condition | null {
  const { details } = condition
  const failedAt = Date.parse(String(details['failed_at']))
  if (last.state === 'cancelled' && wasAtWork(last, failedAt)) return null
  if (lastFailed?.error == null || lastFailed.finished_at?.getTime() !== failedAt) return condition
  const { code, message } = lastFailed.error
  return {
    ...condition,
    details: { ...details, job_id: lastFailed.id, code, message: message.slice(0, 500) },
  }
}

function wasAtWork({ started_at, finished_at }: Job, time: number): boolean {
  return (
    started_at !== null &&
    finished_at !== null &&
    started_at.getTime() <= time &&
    time <= finished_at.getTime()
  )
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
