import {
  type BackupType,
  type CatchUp,
  createSchedule,
  type Database,
  getSchedule,
  type Job,
  lastJobsOf,
  type Schedule,
  updateSchedule,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import type { ConfigFile } from '#config/config-file.ts'
import { nextTime } from '#cron/cron-times.ts'
import type { JobQueue } from '#jobs/job-queue.ts'
import { type JobView, jobView } from '#jobs/job-view.ts'
import { type KeepView, keepView } from '#retention/keep-policy.ts'
import { parseKeep } from '#retention/parse-keep.ts'

/** The terms of a schedule. In a change, an absent field stays as it is. */
export interface ScheduleTerms {
  cron?: string | undefined
  /** An IANA name; UTC by default. */
  timezone?: string | undefined
  /** True by default. */
  enabled?: boolean | undefined
  /** A policy as `parseKeep` reads it; null for none. */
  keep?: unknown
  /** Seconds, up to a day; 0 by default. */
  jitter?: number | undefined
  /** `once` by default. */
  catch_up?: CatchUp | undefined
}

/** A schedule as the command line and the HTTP API show it. */
export interface ScheduleView {
  id: string
  source: string
  cron: string
  timezone: string
  enabled: boolean
  keep: KeepView | null
  /** Seconds. */
  jitter: number
  catch_up: CatchUp
  project_id: string
  type: BackupType
  /** The newest job that it made. */
  last_job: JobView | null
  /** Null while it is not enabled. */
  next_run_at: Date | null
}

const LONGEST_JITTER_SECONDS = 86_400
/** The limit of a project: the service reads all schedules every few seconds. */
const MOST_SCHEDULES = 200

/**
 * Adds a schedule for a source of telegram-backup.yaml. Throws `CONFIGURATION` for an unknown source, and for
 * a source that cannot be backed up; `INVALID` for wrong terms; `CONFLICT` when its project has too many
 * schedules.
 */
export async function addSchedule(
  database: Database,
  { source, cron, ...terms }: ScheduleTerms & { source: string; cron: string },
  configFile: Pick<ConfigFile, 'source'>,
): Promise<Schedule> {
  const { project, type } = await planNamedSource(source, configFile)
  const { timezone = 'UTC', enabled = true } = terms
  const made = {
    source,
    projectId: project,
    type,
    ...checkTerms(terms),
    cron: cron.trim(),
    timezone,
    enabled,
    // Also checks the times of a schedule that is not enabled.
    nextRunAt: nextRun({ cron, timezone }, enabled),
  }
  return await createSchedule(database, made, { most: MOST_SCHEDULES })
}

/** Changes a schedule; null for an unknown id. Throws `INVALID` for wrong terms. */
export async function changeSchedule(
  database: Database,
  id: string,
  terms: ScheduleTerms,
): Promise<Schedule | null> {
  const before = await getSchedule(database, id)
  if (before === null) return null
  const after = {
    cron: terms.cron?.trim() ?? before.cron,
    timezone: terms.timezone ?? before.timezone,
    enabled: terms.enabled ?? before.enabled,
  }
  const isRetimed =
    after.cron !== before.cron ||
    after.timezone !== before.timezone ||
    after.enabled !== before.enabled ||
    (after.enabled && before.next_run_at === null)
  return await updateSchedule(database, id, {
    ...checkTerms(terms),
    cron: terms.cron === undefined ? undefined : after.cron,
    timezone: terms.timezone,
    enabled: terms.enabled,
    ...(isRetimed && { nextRunAt: nextRun(after, after.enabled) }),
  })
}

/** The first runs of such a schedule from now on, without jitter. Throws `INVALID` for wrong terms. */
export function nextRuns(
  { cron, timezone = 'UTC' }: Pick<ScheduleTerms, 'timezone'> & { cron: string },
  { count }: { count: number },
): Date[] {
  const runs: Date[] = []
  for (let after = new Date(); runs.length < count; ) {
    after = nextTime({ cron, timezone }, after)
    runs.push(after)
  }
  return runs
}

function nextRun(of: { cron: string; timezone: string }, isEnabled: boolean): Date | null {
  const next = nextTime(of, new Date())
  return isEnabled ? next : null
}

function checkTerms({ keep, jitter, catch_up }: ScheduleTerms) {
  if (
    jitter !== undefined &&
    !(Number.isInteger(jitter) && jitter >= 0 && jitter <= LONGEST_JITTER_SECONDS)
  ) {
    throw new BackupError('The jitter is not between 0 seconds and one day', {
      code: 'INVALID',
      hint: `Give whole seconds, up to ${LONGEST_JITTER_SECONDS}.`,
    })
  }
  if (catch_up !== undefined && catch_up !== 'once' && catch_up !== 'skip') {
    throw new BackupError('The setting for missed runs is neither "once" nor "skip"', {
      code: 'INVALID',
      hint: 'Give once or skip.',
    })
  }
  return { keep: keep === undefined ? undefined : parseKeep(keep), jitterSeconds: jitter, catchUp: catch_up }
}

export async function scheduleViews(
  database: Database,
  schedules: readonly Schedule[],
): Promise<ScheduleView[]> {
  const last = await lastJobsOf(
    database,
    schedules.map(({ id }) => id),
  )
  return schedules.map(schedule => viewOf(schedule, last.get(schedule.id)))
}

export async function scheduleView(database: Database, schedule: Schedule): Promise<ScheduleView> {
  const last = await lastJobsOf(database, [schedule.id])
  return viewOf(schedule, last.get(schedule.id))
}

function viewOf(schedule: Schedule, last: Job | undefined): ScheduleView {
  return {
    id: schedule.id,
    source: schedule.source,
    cron: schedule.cron,
    timezone: schedule.timezone,
    enabled: schedule.enabled,
    keep: keepView(schedule.keep),
    jitter: schedule.jitter_seconds,
    catch_up: schedule.catch_up,
    project_id: schedule.project_id,
    type: schedule.type,
    last_job: last === undefined ? null : jobView(last),
    next_run_at: schedule.next_run_at,
  }
}

/** Submits a job of a schedule now, besides its times. */
export async function runNow(queue: JobQueue, schedule: Schedule, actor?: string): Promise<Job> {
  const { job } = await queue.submit({
    kind: 'backup',
    projectId: schedule.project_id,
    source: schedule.source,
    scheduleId: schedule.id,
    actor,
  })
  return job
}
