import { isDeepStrictEqual } from 'node:util'
import { type Selectable, sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { ensureProject } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkProjectId, checkText, checkUuid, isUuid } from '#input-checks.ts'
import type { Job, JobError, JobKind, JobState, NewJob } from '#jobs/types.job.ts'
import { errorColumns, jobOf, lockJob } from '#queue/job-rows.ts'
import { assertRoomToWait, jobNamedBy, lockWaiting, sameWaiting } from '#queue/waiting-jobs.ts'
import { type SqlRunner, sqlRunnerIn } from '#sql-runner.ts'

/** An index cannot hold a text of any length. */
const LONGEST_KEY = 255

/** Hands a job to the queue in the transaction that writes its row: both happen, or neither. */
export type DeliverJob = (job: Job, sql: SqlRunner) => Promise<void>

/**
 * Records a job and hands it to the queue. Returns an existing job instead (`isNew` false): one of the same
 * schedule and time, of the same idempotency key, an open erase of the same backup, or a waiting job for the
 * same from the same API key. CatalogError INVALID for a bad value, CONFLICT for an idempotency key with
 * another request, QUEUE_FULL when too many jobs of the API key or the project wait.
 */
export async function createJob(
  database: Database,
  request: NewJob,
  deliver: DeliverJob,
): Promise<{ job: Job; isNew: boolean }> {
  return await inTransaction(database.kysely, async trx => {
    const made = await createJobIn(trx, request, { actor: database.actor, deliver })
    if (made.isNew) await noteAct(trx, made.job, { act: 'job.request', actor: made.job.actor })
    return made
  })
}

async function noteAct(
  trx: Transaction<CatalogSchema>,
  { id, kind, project_id: projectId, backup_id, source, target }: Job,
  by: { act: 'job.request' | 'job.cancel'; actor: string },
): Promise<void> {
  const details = { kind, backup_id, source, target }
  await addToAudit(trx, { ...by, object: id, projectId, details })
}

/** The same inside a transaction that does more, for the program’s own rules: the audit is for requests. */
export async function createJobIn(
  trx: Transaction<CatalogSchema>,
  request: NewJob,
  by: { actor: string; deliver: DeliverJob },
): Promise<{ job: Job; isNew: boolean }> {
  checkRequest(request)
  const { byCaller } = request
  if (byCaller !== undefined) await lockWaiting(trx, { ...request, byCaller })
  if (request.projectId !== undefined) await ensureProject(trx, request.projectId)
  const open = await openErase(trx, request)
  if (open !== undefined) return { job: open, isNew: false }
  if (byCaller !== undefined) {
    const named = await jobNamedBy(trx, byCaller)
    if (named !== undefined) return { job: sameJob(jobOf(named), request), isNew: false }
    const waiting = await sameWaiting(trx, { ...request, byCaller })
    if (waiting !== undefined) return { job: jobOf(waiting), isNew: false }
    await assertRoomToWait(trx, { ...request, byCaller })
  }
  const row = await trx
    .insertInto('jobs')
    .values({
      kind: request.kind,
      project_id: request.projectId ?? null,
      backup_id: request.backupId ?? null,
      source: request.source ?? null,
      target: request.target ?? null,
      options: JSON.stringify(request.options ?? {}),
      actor: request.actor ?? by.actor,
      schedule_id: request.scheduleId ?? null,
      scheduled_for: request.scheduledFor ?? null,
      run_after: request.runAfter,
      api_key_id: byCaller?.callerId ?? null,
      idempotency_key: byCaller?.idempotencyKey ?? null,
    })
    .onConflict(conflict => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return { job: await earlierJob(trx, request), isNew: false }
  const job = jobOf(row)
  await by.deliver(job, sqlRunnerIn(trx))
  return { job, isNew: true }
}

function checkRequest(request: NewJob): void {
  if (request.projectId !== undefined) checkProjectId(request.projectId)
  if (request.backupId !== undefined) checkUuid('backup id', request.backupId)
  const { callerId, idempotencyKey } = request.byCaller ?? {}
  if (callerId !== undefined) checkUuid('id of a key', callerId)
  if (idempotencyKey === undefined) return
  checkText('idempotency key', idempotencyKey)
  if (idempotencyKey.length <= LONGEST_KEY) return
  throw new CatalogError('Not a valid idempotency key', {
    code: 'INVALID',
    hint: `Use ${LONGEST_KEY} characters at most.`,
  })
}

/** An open erase of the same backup. Concurrent requests wait for each other, since each locks the backup. */
async function openErase(trx: Transaction<CatalogSchema>, request: NewJob): Promise<Job | undefined> {
  const { kind, backupId, options = {} } = request
  if (kind !== 'erase' || backupId === undefined) return undefined
  await trx.selectFrom('backups').select('id').where('id', '=', backupId).forUpdate().execute()
  const row = await trx
    .selectFrom('jobs')
    .selectAll()
    .where('kind', '=', 'erase')
    .where('backup_id', '=', backupId)
    .where('state', 'in', ['queued', 'running'])
    .where('cancel_requested_at', 'is', null)
    .where(sql<boolean>`options = ${JSON.stringify(options)}::jsonb`)
    .executeTakeFirst()
  return row && jobOf(row)
}

/** The job that another transaction made meanwhile. */
async function earlierJob(trx: Transaction<CatalogSchema>, request: NewJob): Promise<Job> {
  const { scheduleId, scheduledFor, byCaller } = request
  const named = byCaller && (await jobNamedBy(trx, byCaller))
  if (named !== undefined) return sameJob(jobOf(named), request)
  const row = await trx
    .selectFrom('jobs')
    .selectAll()
    .where('schedule_id', '=', scheduleId ?? null)
    .where('scheduled_for', '=', scheduledFor ?? null)
    .executeTakeFirstOrThrow()
  return jobOf(row)
}

/** CatalogError CONFLICT for a job of the same idempotency key that does something else. */
function sameJob(job: Job, request: NewJob): Job {
  const isSame =
    request.kind === job.kind &&
    (request.source ?? null) === job.source &&
    (request.target ?? null) === job.target &&
    // A backup job may have made its backup since.
    (request.backupId === undefined || request.backupId.toLowerCase() === job.backup_id) &&
    isDeepStrictEqual(JSON.parse(JSON.stringify(request.options ?? {})), job.options)
  if (isSame) return job
  throw new CatalogError('This idempotency key was used for another request', {
    code: 'CONFLICT',
    hint: 'Use a new key for each request.',
  })
}

/** One job; null for an unknown id, also for one that is no UUID. */
export async function getJob(database: Database, id: string): Promise<Job | null> {
  if (!isUuid(id)) return null
  const row = await database.kysely.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : jobOf(row)
}

/** Which jobs; an absent field matches everything. */
export interface JobFilter {
  projectId?: string | undefined
  kind?: JobKind | undefined
  state?: JobState | undefined
  source?: string | undefined
  scheduleId?: string | undefined
  backupId?: string | undefined
  /** At most so many. */
  limit: number
  /** Only those that come after this one in the list. */
  after?: { createdAt: Date; id: string } | undefined
}

/** Jobs, newest first. */
export async function listJobs(database: Database, filter: JobFilter): Promise<Job[]> {
  let query = database.kysely
    .selectFrom('jobs')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(filter.limit)
  if (filter.projectId !== undefined) query = query.where('project_id', '=', filter.projectId)
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind)
  if (filter.state !== undefined) query = query.where('state', '=', filter.state)
  if (filter.source !== undefined) query = query.where('source', '=', filter.source)
  if (filter.scheduleId !== undefined) query = query.where('schedule_id', '=', filter.scheduleId)
  if (filter.backupId !== undefined) query = query.where('backup_id', '=', filter.backupId)
  if (filter.after !== undefined) {
    const { createdAt, id } = filter.after
    query = query.where(sql<boolean>`(created_at, id) < (${createdAt}, ${id}::uuid)`)
  }
  return (await query.execute()).map(jobOf)
}

/** Of a source: its newest job, and its newest failed one. */
export interface SourceJobs {
  last: Job
  lastFailed: Job | null
}

/** By the name of the source; sources without jobs are left out. */
export async function lastSourceJobs(
  database: Database,
  sources: readonly string[],
): Promise<ReadonlyMap<string, SourceJobs>> {
  const { rows } = await sql<Selectable<CatalogSchema['jobs']>>`
    select newest.* from unnest(${[...new Set(sources)]}::text[]) as wanted (source), lateral (
      (select * from control_plane.jobs where source = wanted.source order by created_at desc, id desc limit 1)
       union all
      (select * from control_plane.jobs where source = wanted.source and state = 'failed'
        order by created_at desc, id desc limit 1)) newest
     order by newest.created_at, newest.id
  `.execute(database.kysely)
  const found = new Map<string, SourceJobs>()
  for (const row of rows) {
    const job = jobOf(row)
    const lastFailed = job.state === 'failed' ? job : (found.get(job.source ?? '')?.lastFailed ?? null)
    found.set(job.source ?? '', { last: job, lastFailed })
  }
  return found
}

/** The cancel, not the error of an earlier try, ends the job. */
const CANCELLED: JobError = { code: 'CANCELLED', message: 'Cancelled' }

/**
 * Cancels a waiting job, or asks the process of a running one to stop. A waiting backup job whose backup may
 * be whole is only marked, made due and handed to the queue: the process that runs it finds out. Returns the
 * job; null for an unknown id. CatalogError CONFLICT for one that has ended.
 */
export async function cancelJob(database: Database, id: string, deliver: DeliverJob): Promise<Job | null> {
  if (!isUuid(id)) return null
  return await inTransaction(database.kysely, async trx => {
    const before = await lockJob(trx, id)
    if (before === undefined) return null
    if (before.state !== 'queued' && before.state !== 'running') {
      throw new CatalogError(`The job is ${before.state} already`, { code: 'CONFLICT' })
    }
    const isAtOnce = before.state === 'queued' && !(await mayBeWhole(trx, before))
    // A second request keeps the pause after an attempt since the first.
    const isFirst = before.cancel_requested_at === null
    const row = await trx
      .updateTable('jobs')
      .set({ cancel_requested_at: sql<Date>`coalesce(cancel_requested_at, clock_timestamp())` })
      .$if(isAtOnce, query =>
        query.set({
          state: 'cancelled',
          finished_at: sql<Date>`clock_timestamp()`,
          ...errorColumns(CANCELLED),
        }),
      )
      .$if(before.state === 'queued' && !isAtOnce && isFirst, query =>
        query.set({ run_after: sql<Date>`least(run_after, date_trunc('milliseconds', clock_timestamp()))` }),
      )
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow()
    const job = jobOf(row)
    if (isFirst) await noteAct(trx, job, { act: 'job.cancel', actor: database.actor })
    if (job.state === 'queued') await deliver(job, sqlRunnerIn(trx))
    return job
  })
}

/** Whether an earlier attempt completed the backup, or sealed it so that others can. */
async function mayBeWhole(
  trx: Transaction<CatalogSchema>,
  { kind, backup_id: backupId }: { kind: string; backup_id: string | null },
): Promise<boolean> {
  if (kind !== 'backup' || backupId === null) return false
  const { rows } = await sql`
    select from control_plane.backups backup
     where id = ${backupId}::uuid
       and (state = 'complete' or (state = 'sending' and exists (
             select from control_plane.sealed_manifests where backup_id = backup.id)))
  `.execute(trx)
  return rows.length > 0
}
