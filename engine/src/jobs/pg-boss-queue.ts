import {
  CatalogError,
  cancelJob,
  createJob,
  type Database,
  type DeliverJob,
  type Job,
  type NewJob,
  type SqlRunner,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { PgBoss } from 'pg-boss'
import type { JobQueue } from '#jobs/job-queue.ts'
import { queueOf } from '#jobs/queue-names.ts'

/**
 * pg-boss only delivers. The row of a job decides about retries, so pg-boss retries nothing; a job that it
 * lost is delivered again. Times in seconds, each near the longest that pg-boss accepts.
 */
const QUEUE_TERMS = {
  retryLimit: 0,
  expireInSeconds: 23 * 3600,
  retentionSeconds: 360 * 86_400,
  deleteAfterSeconds: 3600,
} as const

/** Where a job is in the queue: it waits, a process has taken it, or the queue lost it. */
export type Delivery = { state: 'waiting' } | { state: 'taken'; forMs: number } | { state: 'lost' }

/** A queue in the catalog's PostgreSQL. A job has the same id in pg-boss as in the catalog. */
export class PgBossQueue implements JobQueue {
  readonly #database: Database
  readonly #boss: PgBoss
  readonly #known = new Map<string, Promise<void>>()
  readonly #listeners = new Set<() => void>()

  /** @param boss started, and stopped by `stop`. */
  constructor(database: Database, boss: PgBoss) {
    this.#database = database
    this.#boss = boss
  }

  async submit(request: NewJob): Promise<{ job: Job; isNew: boolean }> {
    // Before the transaction, which then needs no second connection.
    const queue = queueOf({ ...request, source: request.source ?? null, target: request.target ?? null })
    if (queue !== undefined) await this.open(queue)
    const created = await createJob(this.#database, request, this.deliver)
    for (const listener of this.#listeners) listener()
    return created
  }

  async cancel(jobId: string, actor: string = this.#database.actor): Promise<Job | null> {
    const job = await cancelJob({ ...this.#database, actor }, jobId, this.deliver)
    if (job?.state === 'cancelled') await this.forget(job)
    if (job?.state === 'queued') for (const listener of this.#listeners) listener()
    return job
  }

  /**
   * Removes the message of a job that ended while it waited. A message that stays is harmless: the process
   * that gets it sees that the job has ended.
   */
  async forget(job: Pick<Job, 'id' | 'kind' | 'source' | 'target'>): Promise<void> {
    const queue = queueOf(job)
    if (queue !== undefined) await this.#ask(() => this.#boss.deleteJob(queue, job.id)).catch(() => {})
  }

  /** Calls back for each job that this process submits. Returns a function that stops it. */
  onSubmitted(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Runs in the transaction that writes the job's row. Replaces an earlier delivery. */
  readonly deliver: DeliverJob = async (job, sql) => {
    const queue = queueOf(job)
    if (queue === undefined) return
    await this.open(queue)
    const db = bossDatabase(sql)
    await this.#ask(async () => {
      await this.#boss.deleteJob(queue, job.id, { db })
      // Schedules come first, as in `dueWork`.
      const priority = job.schedule_id === null ? 0 : 1
      await this.#boss.send(queue, null, { id: job.id, startAfter: job.run_after, priority, db })
    })
  }

  async open(queue: string): Promise<void> {
    const opening =
      this.#known.get(queue) ??
      this.#ask(() => this.#boss.createQueue(queue, QUEUE_TERMS)).catch((error: unknown) => {
        this.#known.delete(queue)
        throw error
      })
    this.#known.set(queue, opening)
    await opening
  }

  /** Takes the next job from a queue; no other process gets it. Undefined when none is due. */
  async take(queue: string): Promise<string | undefined> {
    await this.open(queue)
    const [job] = await this.#ask(() => this.#boss.fetch(queue, { batchSize: 1 }))
    return job?.id
  }

  /** Acknowledges the message of a job that has ended or was delivered again. */
  async acknowledge(job: Pick<Job, 'id' | 'kind' | 'source' | 'target'>): Promise<void> {
    const queue = queueOf(job)
    if (queue !== undefined) await this.#ask(() => this.#boss.complete(queue, job.id))
  }

  /** Where the queue has a job that, by its row, waits. */
  async deliveryOf(job: Job): Promise<Delivery> {
    const queue = queueOf(job)
    if (queue === undefined) return { state: 'lost' }
    await this.open(queue)
    const [found] = await this.#ask(() => this.#boss.findJobs(queue, { id: job.id }))
    if (found?.state === 'created' || found?.state === 'retry') return { state: 'waiting' }
    if (found?.state !== 'active') return { state: 'lost' }
    return { state: 'taken', forMs: Date.now() - found.startedOn.getTime() }
  }

  async stop(): Promise<void> {
    await this.#boss.stop({ graceful: false })
  }

  async #ask<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw error instanceof CatalogError ? error : unusable(error)
    }
  }
}

function unusable(cause: unknown): BackupError {
  return new BackupError('The queue of jobs in the catalog could not be used', {
    code: 'CATALOG',
    hint: 'It is tried again. Check that the catalog’s PostgreSQL works, and that its user may create a schema.',
    cause,
  })
}

/** The catalog's connections as pg-boss needs them: it reads PostgreSQL's own errors. */
export function bossDatabase(sql: SqlRunner): {
  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
} {
  return {
    executeSql: async (text, values) => {
      try {
        return await sql.executeSql(text, values)
      } catch (error) {
        throw error instanceof CatalogError && error.cause !== undefined ? error.cause : error
      }
    },
  }
}
