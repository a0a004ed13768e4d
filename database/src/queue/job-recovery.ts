import { sql, type Transaction } from 'kysely'
import { getBackupById } from '#backups/records.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkUuid } from '#input-checks.ts'
import type { Backup } from '#jobs/types.backup.ts'
import type { Job, JobAsker, JobError, JobKind, JobProgress } from '#jobs/types.job.ts'
import { claimLease, dropLease } from '#leases/lease-rows.ts'
import type { DeliverJob } from '#queue/job-requests.ts'
import { errorColumns, jobOf, lockJob, oneMoreTry } from '#queue/job-rows.ts'
import type { ServedNames } from '#queue/services.ts'
import { sqlRunnerIn } from '#sql-runner.ts'

/** Jobs of one kind that wait for the same thing. */
export interface DueWork {
  kind: JobKind
  source: string | null
  target: string | null
  /** The API key of the job that waits longest, when all of them come from API keys; otherwise null. */
  asker: JobAsker | null
}

/**
 * Jobs that may begin now. Those of schedules come first, so that many requests do not delay the nightly
 * backups; then by waiting time. Left out: a source with a running backup, and `expire` while one runs.
 */
export async function dueWork({ kysely }: Database): Promise<DueWork[]> {
  const { rows } = await sql<DueWork>`
    select kind, source, target,
           case when bool_and(api_key_id is not null)
             then (array_agg(jsonb_build_object('key_id', api_key_id, 'project', project_id) order by run_after))[1] end as asker
      from control_plane.jobs waiting
     where state = 'queued' and run_after <= clock_timestamp()
       and not exists (select from control_plane.jobs running
                        where running.state = 'running' and running.kind = waiting.kind
                          and (running.kind = 'expire' or (running.kind = 'backup' and running.source = waiting.source)))
     group by kind, source, target
     order by min(run_after) filter (where schedule_id is not null) nulls last, min(run_after)
  `.execute(kysely)
  return rows
}

/** What becomes of an abandoned job. */
export type Recovery =
  | { state: 'queued' }
  | { state: 'done'; progress: JobProgress }
  | { state: 'failed' | 'cancelled'; error: JobError }

/**
 * Queues or ends a job that a dead process left running, as `decide` says for the job and its backup; null
 * leaves it alone. False when nothing was changed: `decide` said so, a process works on it, or it has ended.
 */
export async function recoverJob(
  database: Database,
  jobId: string,
  decide: (job: Job, backup: Backup | null) => Recovery | null,
  deliver: DeliverJob,
): Promise<boolean> {
  checkUuid('job id', jobId)
  return await inTransaction(database.kysely, async trx => {
    const token = await claimLease(trx, { subject: jobId, purpose: 'job' })
    if (token === null) return false
    const before = await lockJob(trx, jobId)
    const recovery =
      before?.state === 'running'
        ? decide(before, await getBackupById({ kysely: trx }, before.backup_id ?? ''))
        : null
    if (before && recovery) await changeTo(trx, before, recovery, deliver)
    await dropLease(trx, jobId, token)
    return recovery !== null
  })
}

async function changeTo(
  trx: Transaction<CatalogSchema>,
  before: Job,
  recovery: Recovery,
  deliver: DeliverJob,
): Promise<void> {
  const row = await trx
    .updateTable('jobs')
    .set({ state: recovery.state, ...columnsFor(recovery) })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  if (recovery.state === 'queued') await deliver(jobOf(row), sqlRunnerIn(trx))
}

function columnsFor(recovery: Recovery) {
  if (recovery.state === 'queued') {
    return {
      run_after: sql<Date>`date_trunc('milliseconds', clock_timestamp())`,
      tries: oneMoreTry('INTERRUPTED'),
    }
  }
  const finished_at = sql<Date>`clock_timestamp()`
  if (recovery.state !== 'done') return { finished_at, ...errorColumns(recovery.error) }
  return { finished_at, ...errorColumns(undefined), progress: JSON.stringify(recovery.progress) }
}

/** Hands a waiting job to the queue again. False when it does not wait any more. */
export async function redeliverJob(database: Database, jobId: string, deliver: DeliverJob): Promise<boolean> {
  checkUuid('job id', jobId)
  return await inTransaction(database.kysely, async trx => {
    const job = await lockJob(trx, jobId)
    if (job?.state !== 'queued') return false
    await deliver(job, sqlRunnerIn(trx))
    return true
  })
}

/** Fails a waiting job that no process can run. False when it does not wait any more. */
export async function failWaitingJob(database: Database, jobId: string, error: JobError): Promise<boolean> {
  checkUuid('job id', jobId)
  return await inTransaction(database.kysely, async trx => {
    const job = await lockJob(trx, jobId)
    if (job?.state !== 'queued') return false
    await changeTo(trx, job, { state: 'failed', error }, async () => {})
    return true
  })
}

/**
 * Jobs that have been due for `waitingMs`, the longest waiting first, 100 at most. Backups, restores and
 * drills only of these sources and targets (and uploads): this process does not run others.
 */
export async function overdueJobs(
  { kysely }: Database,
  of: ServedNames & { waitingMs: number },
): Promise<Job[]> {
  const rows = await kysely
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'queued')
    .where('run_after', '<=', sql<Date>`clock_timestamp() - ${of.waitingMs} * interval '1 millisecond'`)
    .where(
      sql<boolean>`case kind when 'backup' then source is null or source = any(${of.sources}::text[])
                             when 'restore' then target = any(${of.targets}::text[])
                             when 'drill' then ${of.drills === true}::boolean and coalesce(
                               target = any(${of.targets}::text[]), source = any(${of.sources}::text[]), true)
                             else true end`,
    )
    .orderBy('run_after')
    .limit(100)
    .execute()
  return rows.map(jobOf)
}
