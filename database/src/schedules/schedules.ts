import { type RawBuilder, type Selectable, sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { ensureProject } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkProjectId, checkText, checkType, isUuid } from '#input-checks.ts'
import type { BackupType } from '#jobs/types.backup.ts'
import type { CatchUp, Job, KeepPolicy, Schedule } from '#jobs/types.job.ts'
import { createJobIn, type DeliverJob } from '#queue/job-requests.ts'
import { jobOf } from '#queue/job-rows.ts'
import { noteLessKept } from '#schedules/retention-policies.ts'
import { sqlRunnerIn } from '#sql-runner.ts'

/** A new schedule. The caller reads the cron expression and gives `nextRunAt`. */
export interface NewSchedule {
  /** Given for a schedule that came back from a chat. */
  id?: string | undefined
  source: string
  projectId: string
  type: BackupType
  cron: string
  timezone: string
  enabled?: boolean | undefined
  keep?: KeepPolicy | null | undefined
  jitterSeconds?: number | undefined
  catchUp?: CatchUp | undefined
  nextRunAt: Date | null
}

/**
 * Makes a schedule, and its project if need be. CatalogError INVALID, CONFLICT when the project has too many.
 * @param options.most the number that the project may have; unlimited if left out
 */
export async function createSchedule(
  database: Database,
  schedule: NewSchedule,
  options: { most?: number | undefined } = {},
): Promise<Schedule> {
  checkProjectId(schedule.projectId)
  checkType(schedule.type)
  checkText('source', schedule.source)
  checkText('cron expression', schedule.cron)
  checkText('time zone', schedule.timezone)
  checkCount('jitter', schedule.jitterSeconds ?? 0)
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, schedule.projectId)
    if (options.most !== undefined) await assertRoom(trx, schedule.projectId, options.most)
    const made = await trx
      .insertInto('schedules')
      .values({
        id: schedule.id,
        source: schedule.source,
        project_id: schedule.projectId,
        type: schedule.type,
        cron: schedule.cron,
        timezone: schedule.timezone,
        enabled: schedule.enabled,
        keep: schedule.keep ? JSON.stringify(schedule.keep) : null,
        jitter_seconds: schedule.jitterSeconds,
        catch_up: schedule.catchUp,
        next_run_at: schedule.nextRunAt,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    // With an id, it came back from a chat: the recovery is the act.
    if (schedule.id === undefined) await noteAct(trx, database, { act: 'schedule.create', schedule: made })
    return made
  })
}

/** Writes the schedule as it is now. */
async function noteAct(
  trx: Transaction<CatalogSchema>,
  { actor }: Pick<Database, 'actor'>,
  of: { act: 'schedule.create' | 'schedule.change' | 'schedule.remove'; schedule: Schedule },
): Promise<void> {
  const { id, project_id: projectId, source, cron, timezone, enabled, keep } = of.schedule
  const details = { source, cron, timezone, enabled, keep: keep === null ? null : { ...keep } }
  await addToAudit(trx, { actor, act: of.act, object: id, projectId, details })
}

async function assertRoom(trx: Transaction<CatalogSchema>, projectId: string, most: number): Promise<void> {
  // Concurrent calls wait here, so that the second counts the first.
  await trx.selectFrom('projects').select('id').where('id', '=', projectId).forNoKeyUpdate().execute()
  const { count } = await trx
    .selectFrom('schedules')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow()
  if (count < most) return
  throw new CatalogError(`The project has ${count} schedules, and may have no more than ${most}`, {
    code: 'CONFLICT',
    hint: 'Change or remove one of them.',
  })
}

/** All schedules, of one project or of all, oldest first. */
export async function listSchedules(
  database: Database,
  { projectId }: { projectId?: string | undefined } = {},
): Promise<Schedule[]> {
  let query = database.kysely.selectFrom('schedules').selectAll().orderBy('created_at').orderBy('id')
  if (projectId !== undefined) query = query.where('project_id', '=', projectId)
  return await query.execute()
}

/** One schedule; null for an unknown id or one that is no UUID. */
export async function getSchedule(database: Database, id: string): Promise<Schedule | null> {
  if (!isUuid(id)) return null
  const row = await database.kysely
    .selectFrom('schedules')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  return row ?? null
}

/** What may change; an absent field stays as it is. */
export interface ScheduleChange {
  cron?: string | undefined
  timezone?: string | undefined
  enabled?: boolean | undefined
  keep?: KeepPolicy | null | undefined
  jitterSeconds?: number | undefined
  catchUp?: CatchUp | undefined
  nextRunAt?: Date | null | undefined
}

/** Null for an unknown id. */
export async function updateSchedule(
  database: Database,
  id: string,
  change: ScheduleChange,
): Promise<Schedule | null> {
  if (!isUuid(id)) return null
  return await inTransaction(database.kysely, async trx => {
    const row = await trx
      .updateTable('schedules')
      .set({
        cron: change.cron,
        timezone: change.timezone,
        enabled: change.enabled,
        ...(change.keep !== undefined && { keep: change.keep ? JSON.stringify(change.keep) : null }),
        jitter_seconds: change.jitterSeconds,
        catch_up: change.catchUp,
        next_run_at: change.nextRunAt,
        updated_at: sql<Date>`clock_timestamp()`,
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) return null
    await noteAct(trx, database, { act: 'schedule.change', schedule: row })
    return row
  })
}

/**
 * False for an unknown id. Its jobs and backups stay; its policy becomes one of its source: see
 * `listSourcePolicies`.
 */
export async function removeSchedule(database: Database, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await inTransaction(database.kysely, async trx => {
    const removed = await trx.deleteFrom('schedules').where('id', '=', id).returningAll().executeTakeFirst()
    if (removed === undefined) return false
    await noteAct(trx, database, { act: 'schedule.remove', schedule: removed })
    const { keep, project_id, type, source } = removed
    if (keep !== null) {
      await trx
        .insertInto('source_policies')
        .values({ project_id, type, source, keep: JSON.stringify(keep) })
        .onConflict(conflict => conflict.doNothing())
        .execute()
    }
    await noteLessKept(trx, removed)
    return true
  })
}

export interface FiringDecision {
  /** The scheduled time of the job; null when no job is made now: overlap, or a skipped missed run. */
  fireFor: Date | null
  /** When the job may begin: the jitter. */
  runAfter?: Date | undefined
  nextRunAt: Date | null
}

/**
 * Handles each due schedule under a lock that other processes skip, so that each time fires once. `decide`
 * gets the schedule, whether a job of it waits or runs, and the time. One transaction writes the job and the
 * next time. A schedule that is due again at once waits for the next call. Returns the new jobs. A job of the
 * schedule that waits for another try becomes due instead.
 * @param options.now the time; the database's own clock if left out, since clocks of machines differ
 */
export async function fireDueSchedules(
  database: Database,
  decide: (schedule: Schedule, facts: { isBusy: boolean; now: Date }) => FiringDecision,
  deliver: DeliverJob,
  options: { now?: Date | undefined } = {},
): Promise<Job[]> {
  const clock =
    options.now === undefined ? sql<Date>`clock_timestamp()` : sql<Date>`${options.now}::timestamptz`
  const jobs: Job[] = []
  const seen: string[] = []
  for (;;) {
    const fired = await inTransaction(database.kysely, async trx => {
      const due = await trx
        .selectFrom('schedules')
        .selectAll()
        .select(clock.as('now'))
        .where('enabled', '=', true)
        .where('next_run_at', '<=', clock)
        .where(sql<boolean>`id <> all(${seen}::uuid[])`)
        .orderBy('next_run_at')
        .limit(1)
        .forUpdate()
        .skipLocked()
        .executeTakeFirst()
      if (due === undefined) return null
      const { now, ...schedule } = due
      seen.push(schedule.id)
      const open = await trx
        .selectFrom('jobs')
        .select('id')
        .where('schedule_id', '=', schedule.id)
        .where('state', 'in', ['queued', 'running'])
        .limit(1)
        .executeTakeFirst()
      const { fireFor, runAfter, nextRunAt } = decide(schedule, { isBusy: open !== undefined, now })
      await trx
        .updateTable('schedules')
        .set({ next_run_at: nextRunAt, ...(fireFor && { last_fired_for: fireFor }) })
        .where('id', '=', schedule.id)
        .execute()
      if (open !== undefined) await hasten(trx, { scheduleId: schedule.id, clock, deliver })
      if (fireFor === null) return []
      const { job, isNew } = await createJobIn(
        trx,
        {
          kind: 'backup',
          projectId: schedule.project_id,
          source: schedule.source,
          scheduleId: schedule.id,
          scheduledFor: fireFor,
          runAfter,
        },
        { actor: 'schedule', deliver },
      )
      return isNew ? [job] : []
    })
    if (fired === null) return jobs
    jobs.push(...fired)
  }
}

/** A job that waits for another try becomes due with the schedule's next time. */
async function hasten(
  trx: Transaction<CatalogSchema>,
  of: { scheduleId: string; clock: RawBuilder<Date>; deliver: DeliverJob },
): Promise<void> {
  const waiting = await trx
    .updateTable('jobs')
    .set({ run_after: of.clock })
    .where('schedule_id', '=', of.scheduleId)
    .where('state', '=', 'queued')
    .where('attempt', '>', 0)
    .where('run_after', '>', of.clock)
    .returningAll()
    .execute()
  for (const row of waiting) await of.deliver(jobOf(row), sqlRunnerIn(trx))
}

/** The newest job of each of these schedules, by the schedule's id; schedules without jobs are left out. */
export async function lastJobsOf(
  database: Database,
  scheduleIds: readonly string[],
): Promise<ReadonlyMap<string, Job>> {
  const { rows } = await sql<Selectable<CatalogSchema['jobs']>>`
    select last.*
      from unnest(${scheduleIds}::uuid[]) schedule (id),
           lateral (select * from control_plane.jobs where schedule_id = schedule.id
                     order by created_at desc, id desc limit 1) last`.execute(database.kysely)
  return new Map(rows.map(row => [row.schedule_id as string, jobOf(row)]))
}
