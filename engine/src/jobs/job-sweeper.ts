import { randomUUID } from 'node:crypto'
import {
  abandonedJobs,
  type Backup,
  type Database,
  type DeclaredPlaces,
  failWaitingJob,
  type Job,
  noteService,
  overdueJobs,
  pruneAudit,
  pruneEndedAlerts,
  pruneJobLog,
  pruneJobs,
  pruneSessions,
  type Recovery,
  recoverJob,
  redeliverJob,
  type ServedNames,
  unservedJobs,
} from '@telegram-backup/database'
import { progressOfWhole } from '#jobs/backup-progress.ts'
import { interrupted, unserved } from '#jobs/job-errors.ts'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import { queueOf } from '#jobs/queue-names.ts'
import { goesOnAfterCut } from '#jobs/retry-rules.ts'
import { UnservedWatch } from '#jobs/unserved-watch.ts'
import type { Logger } from '#logging.ts'
import { repeatUntilStopped } from '#repeat-until-stopped.ts'
import type { ServicePart } from '#service-part.ts'

export interface JobSweeperOptions {
  database: Database
  queue: PgBossQueue
  log: Logger
  /** The sources and targets that this process now does jobs of. */
  served: () => ServedNames
  /** What others may know of them; equal while `edition` is. */
  declared: () => DeclaredPlaces
  edition: () => string
  /** Where the page of this process is. */
  url: string | undefined
  /** How often it looks for jobs whose process is gone. */
  everyMs: number
  /** How long a job may be due without having begun before the queue is checked. */
  overdueMs: number
  /** A job fails after this process saw for so long that no process knows its source or target. */
  unservedMs: number
  /** Called when a job can be taken again. */
  onBroughtBack: () => void
}

const DAY_MS = 86_400_000
const KEEP_ENDED_JOBS_MS = 90 * DAY_MS
const KEEP_LOGS_MS = 30 * DAY_MS
const PRUNE_EVERY_MS = 3_600_000
const PRUNE_AT_ONCE = 500

/** Brings back jobs whose process is gone, and jobs that the queue has lost. Deletes old jobs. */
export function startJobSweeper(options: JobSweeperOptions): ServicePart {
  const sweeper = new JobSweeper(options)
  return repeatUntilStopped({
    work: signal => sweeper.sweep(signal),
    everyMs: options.everyMs,
    log: options.log,
    failed: 'abandoned jobs could not be looked for',
  })
}

class JobSweeper {
  readonly #options: JobSweeperOptions
  readonly #serviceId = randomUUID()
  readonly #unserved: UnservedWatch
  #noteAt = 0
  /** The edition of what was noted last. */
  #noted: string | undefined
  #overdueAt = 0
  #pruneAt = 0

  constructor(options: JobSweeperOptions) {
    this.#options = options
    this.#unserved = new UnservedWatch({ forMs: options.unservedMs })
  }

  async sweep(signal: AbortSignal): Promise<undefined> {
    const { overdueMs } = this.#options
    const now = performance.now()
    // First of all: other services fail the jobs of sources that no service announces.
    await this.#note(now)
    await this.#bringBackAbandoned()
    if (now >= this.#overdueAt) {
      this.#overdueAt = now + overdueMs
      await this.#deliverOverdue()
      await this.#failUnserved()
    }
    if (now >= this.#pruneAt) {
      this.#pruneAt = now + PRUNE_EVERY_MS
      await this.#prune(signal)
    }
    return undefined
  }

  async #note(now: number): Promise<void> {
    const { database, overdueMs, served, declared, edition, url } = this.#options
    const current = edition()
    if (now < this.#noteAt && current === this.#noted) return
    await noteService(database, { id: this.#serviceId, ...served(), declared: declared(), url })
    this.#noteAt = now + overdueMs
    this.#noted = current
  }

  async #bringBackAbandoned(): Promise<void> {
    const { database, queue, log, onBroughtBack } = this.#options
    for (const job of await abandonedJobs(database)) {
      const isChanged = await recoverJob(database, job.id, recoveryOf, queue.deliver)
      if (!isChanged) continue
      await queue.acknowledge(job).catch(() => {})
      log.warn({ job_id: job.id, kind: job.kind, worker: job.worker }, 'the process that ran a job is gone')
      onBroughtBack()
    }
  }

  async #deliverOverdue(): Promise<void> {
    const { database, queue, overdueMs, served, onBroughtBack } = this.#options
    for (const job of await overdueJobs(database, { waitingMs: overdueMs, ...served() })) {
      if (queueOf(job) === undefined) {
        await failWaitingJob(database, job.id, interrupted(job.kind))
        continue
      }
      const delivery = await queue.deliveryOf(job)
      if (delivery.state === 'waiting') continue
      if (delivery.state === 'taken' && delivery.forMs < overdueMs) continue
      await redeliverJob(database, job.id, queue.deliver)
      onBroughtBack()
    }
  }

  async #failUnserved(): Promise<void> {
    const { database, queue, log } = this.#options
    for (const job of this.#unserved.overdue(await unservedJobs(database), performance.now())) {
      const error = unserved(job)
      if (!(await failWaitingJob(database, job.id, error))) continue
      await queue.forget(job)
      const { id: job_id, kind, source, target } = job
      log.error({ job_id, kind, source, target, error }, 'job failed')
    }
  }

  async #prune(signal: AbortSignal): Promise<void> {
    const { database } = this.#options
    const endedBefore = new Date(Date.now() - KEEP_ENDED_JOBS_MS)
    const loggedBefore = new Date(Date.now() - KEEP_LOGS_MS)
    const prunings = [
      () => pruneJobs(database, { endedBefore, limit: PRUNE_AT_ONCE }),
      () => pruneJobLog(database, { before: loggedBefore, limit: PRUNE_AT_ONCE }),
      () => pruneAudit(database, { limit: PRUNE_AT_ONCE }),
      () => pruneEndedAlerts(database, { limit: PRUNE_AT_ONCE }),
      () => pruneSessions(database, { limit: PRUNE_AT_ONCE }),
    ]
    for (const prune of prunings) {
      while (!signal.aborted && (await prune()) === PRUNE_AT_ONCE);
    }
  }
}

/**
 * What becomes of a job whose process is gone; null while its backup may still turn out to be complete. A
 * cancelled backup is queued again, so that its messages are removed. A job that cannot continue takes the
 * result of its backup: done when that is complete.
 */
function recoveryOf(job: Job, backup: Backup | null): Recovery | null {
  const isCancelled = job.cancel_requested_at !== null
  if (goesOnAfterCut(job) && (!isCancelled || job.backup_id !== null)) return { state: 'queued' }
  if (job.kind === 'backup' && backup?.state === 'sending') return null
  if (job.kind === 'backup' && backup !== null && backup.completed_at !== null) {
    return { state: 'done', progress: progressOfWhole(backup) }
  }
  if (isCancelled && job.kind !== 'restore') {
    return { state: 'cancelled', error: { code: 'CANCELLED', message: 'Cancelled' } }
  }
  return { state: 'failed', error: interrupted(job.kind) }
}
