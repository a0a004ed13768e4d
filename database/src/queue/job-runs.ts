import { sql, type Transaction } from 'kysely'
import { CatalogError, errorCode } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkTime, checkUuid, storable } from '#input-checks.ts'
import type { Job, JobAsker, JobError, JobProgress } from '#jobs/types.job.ts'
import { endingLease, holdLease, type Lease, now } from '#leases/lease.ts'
import { claimLease, dropLease, guardWrite, isAbandoned } from '#leases/lease-rows.ts'
import type { DeliverJob } from '#queue/job-requests.ts'
import { errorColumns, jobOf, lockJob, oneMoreTry } from '#queue/job-rows.ts'
import { sqlRunnerIn } from '#sql-runner.ts'

/** A job that only this process works on. */
export interface BegunJob {
  job: Job
  lease: Lease
  /** Null for a job without an API key. */
  asker: JobAsker | null
}

const UNIQUE_VIOLATION = '23505'

/**
 * Begins a job; null when it has ended, or is gone. CatalogError BUSY while a living process works on it or
 * on another backup of its source, and for a job that a dead process left running: `recoverJob` decides about
 * that.
 */
export async function beginJob(
  database: Database,
  { jobId, worker }: { jobId: string; worker: string },
): Promise<BegunJob | null> {
  checkUuid('job id', jobId)
  const since = now()
  const begun = await inTransaction(database.kysely, async trx => {
    const token = await claimLease(trx, { subject: jobId, purpose: 'job' })
    if (token === null) throw busy('Another process runs this job now')
    const before = await lockJob(trx, jobId)
    if (before?.state === 'running') throw busy('The process that ran this job is gone')
    if (before?.state !== 'queued') {
      await dropLease(trx, jobId, token)
      return null
    }
    const row = await trx
      .updateTable('jobs')
      .set({
        state: 'running',
        worker,
        attempt: before.attempt + 1,
        started_at: before.started_at ?? sql<Date>`clock_timestamp()`,
      })
      .where('id', '=', jobId)
      .returningAll()
      .executeTakeFirstOrThrow()
    const { api_key_id: keyId, project_id: project } = row
    return { job: jobOf(row), token, asker: keyId === null ? null : { key_id: keyId, project } }
  }).catch((error: unknown) => {
    if (error instanceof CatalogError && errorCode(error.cause) === UNIQUE_VIOLATION) {
      throw busy('Another backup of this source is running now')
    }
    throw error
  })
  if (begun === null) return null
  const { token, ...rest } = begun
  return { ...rest, lease: holdLease(database, jobId, token, since) }
}

function busy(message: string): CatalogError {
  return new CatalogError(message, {
    code: 'BUSY',
    hint: 'Wait until it has ended; a process that died is noticed within a minute.',
  })
}

/** Records the progress of a job; true when it is to be cancelled. CatalogError LEASE_LOST. */
export async function noteProgress(
  database: Database,
  of: { jobId: string; leaseToken: string; progress: JobProgress },
): Promise<boolean> {
  return await writing(database, of, async trx => {
    const row = await trx
      .updateTable('jobs')
      .set({ progress: JSON.stringify(of.progress) })
      .where('id', '=', of.jobId)
      .returning('cancel_requested_at')
      .executeTakeFirst()
    return row?.cancel_requested_at != null
  })
}

/** Ends a job and its lease. CatalogError LEASE_LOST. */
export async function finishJob(
  database: Database,
  of: {
    jobId: string
    leaseToken: string
    state: 'done' | 'failed' | 'cancelled'
    error?: JobError | undefined
    progress?: JobProgress | undefined
  },
): Promise<void> {
  await endingLease(of.leaseToken, () =>
    writing(database, { ...of, ending: true }, async trx => {
      await trx
        .updateTable('jobs')
        .set({
          state: of.state,
          finished_at: sql<Date>`clock_timestamp()`,
          ...errorColumns(of.error),
          ...(of.progress && { progress: JSON.stringify(of.progress) }),
        })
        .where('id', '=', of.jobId)
        .execute()
      await dropLease(trx, of.jobId, of.leaseToken)
    }),
  )
}

/**
 * Queues a job for another try after `afterMs`, and ends its lease. An error counts as a try. CatalogError
 * LEASE_LOST.
 */
export async function putBackJob(
  database: Database,
  of: { jobId: string; leaseToken: string; afterMs: number; error?: JobError | undefined },
  deliver: DeliverJob,
): Promise<void> {
  await endingLease(of.leaseToken, () =>
    writing(database, { ...of, ending: true }, async trx => {
      const row = await trx
        .updateTable('jobs')
        .set({
          state: 'queued',
          // By the clock that decides whether it is due.
          run_after: sql<Date>`clock_timestamp() + ${of.afterMs} * interval '1 millisecond'`,
          ...errorColumns(of.error),
          ...(of.error && { tries: oneMoreTry(storable(of.error.code)) }),
        })
        .where('id', '=', of.jobId)
        .returningAll()
        .executeTakeFirstOrThrow()
      await deliver(jobOf(row), sqlRunnerIn(trx))
      await dropLease(trx, of.jobId, of.leaseToken)
    }),
  )
}

/** The jobs that dead processes left running, oldest first. */
export async function abandonedJobs(database: Database): Promise<Job[]> {
  const { abandoned } = await runningJobs(database)
  return abandoned
}

/**
 * The jobs that a process works on, newest first, at most so many. A process of this machine that is gone is
 * known at once, one of another machine when its lease has expired.
 */
export async function jobsAtWork(database: Database, { limit }: { limit: number }): Promise<Job[]> {
  const { atWork } = await runningJobs(database)
  return atWork.reverse().slice(0, limit)
}

/** Oldest first. */
async function runningJobs({ kysely }: Database): Promise<{ atWork: Job[]; abandoned: Job[] }> {
  const running = await kysely
    .selectFrom('jobs')
    .selectAll()
    .where('state', '=', 'running')
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  if (running.length === 0) return { atWork: [], abandoned: [] }
  const leases = await kysely
    .selectFrom('leases')
    .selectAll()
    .select(sql<boolean>`expires_at <= clock_timestamp()`.as('expired'))
    .where('purpose', '=', 'job')
    .execute()
  const alive = new Set(
    leases.filter(lease => !lease.expired && !isAbandoned(lease)).map(({ subject }) => subject),
  )
  const jobs = running.map(jobOf)
  return {
    atWork: jobs.filter(({ id }) => alive.has(id)),
    abandoned: jobs.filter(({ id }) => !alive.has(id)),
  }
}

/**
 * Deletes jobs that ended before `endedBefore`, at most `limit` at a time, and returns their number. Their
 * backups and the newest job of each schedule stay.
 */
export async function pruneJobs(
  database: Database,
  { endedBefore, limit }: { endedBefore: Date; limit: number },
): Promise<number> {
  checkTime('time', endedBefore)
  checkCount('limit', limit, 1)
  // A subselect in IN may run once for each row, and then more than `limit` go.
  const { numAffectedRows } = await sql`
    with ended as materialized (
      select old.id from control_plane.jobs old
       where old.created_at < ${endedBefore} and old.finished_at < ${endedBefore}
         and old.state in ('done', 'failed', 'cancelled')
         and (old.schedule_id is null or exists (
               select from control_plane.jobs newer
                where newer.schedule_id = old.schedule_id and newer.created_at > old.created_at))
       order by old.created_at limit ${limit} for update skip locked)
    delete from control_plane.jobs using ended where jobs.id = ended.id
  `.execute(database.kysely)
  return Number(numAffectedRows ?? 0)
}

async function writing<Result>(
  database: Database,
  of: { jobId: string; leaseToken: string; ending?: boolean },
  work: (trx: Transaction<CatalogSchema>) => Promise<Result>,
): Promise<Result> {
  return await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, of.jobId, of.leaseToken, { ending: of.ending ?? false })
    return await work(trx)
  })
}
