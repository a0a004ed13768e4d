import { setTimeout as sleep } from 'node:timers/promises'
import {
  type BegunJob,
  type DeliverJob,
  finishJob,
  getJob,
  type Job,
  type JobAsker,
  type JobError,
  type JobProgress,
  noteProgress,
  putBackJob,
} from '@telegram-backup/database'
import { describeError, hasOwnWords } from '@telegram-backup/errors'
import { errorOfJob, interrupted } from '#jobs/job-errors.ts'
import type { JobRun, JobTools, StopReason } from '#jobs/job-handler.ts'
import { mayBeBegunAgain, pauseBeforeRetry } from '#jobs/retry-rules.ts'

const REPORT_EVERY_MS = 1_000
/**
 * How long the end of a job is told to a catalog that does not answer, before the job is left to whoever
 * finds it.
 */
const RECORD_END_FOR_MS = 60_000
const RECORD_AGAIN_MS = 500

/** What brought the job here, and takes it on when it is put back. */
export interface JobDelivery {
  deliver: DeliverJob
  settle(job: Job): Promise<void>
}

/** The codes of our own errors and of Node's for what was asked to stop, and did. */
const CANCELLATIONS: ReadonlySet<string> = new Set(['CANCELLED', 'ABORT_ERR'])

/** What becomes of a job after an attempt. */
type Outcome =
  | { state: 'done' }
  | { state: 'failed'; error: JobError }
  | { state: 'cancelled'; error: JobError }
  | { state: 'queued'; error: JobError | undefined; afterMs: number }
  | { state: 'lost' }

/** One attempt at a job, from its beginning to the row that says how it ended. */
export class RunningJob {
  readonly job: Job
  readonly asker: JobAsker | null
  readonly #begun: BegunJob
  readonly #tools: Pick<JobTools, 'database' | 'log'>
  readonly #queue: JobDelivery
  readonly #ending = new AbortController()
  #stopReason: StopReason | undefined
  #progress: JobProgress
  #written: JobProgress

  constructor(begun: BegunJob, of: { tools: Pick<JobTools, 'database' | 'log'>; queue: JobDelivery }) {
    this.job = begun.job
    this.asker = begun.asker
    this.#begun = begun
    this.#tools = of.tools
    this.#queue = of.queue
    this.#progress = begun.job.progress
    this.#written = begun.job.progress
  }

  /** Asks it to stop. It then takes back what it did as far as that goes, and `run` resolves. */
  stop(reason: StopReason): void {
    this.#stopReason ??= reason
    this.#ending.abort()
  }

  /** Never throws: what goes wrong is in the row, or in the log where the row cannot be written. */
  async run(work: (run: JobRun) => Promise<void>): Promise<Outcome['state']> {
    const { lease } = this.#begun
    const onLost = (): void => this.#ending.abort()
    if (lease.signal.aborted) onLost()
    lease.signal.addEventListener('abort', onLost, { once: true })
    const reporting = new AbortController()
    const reported = this.#keepReporting(reporting.signal)
    try {
      const outcome = await this.#attempt(work)
      reporting.abort()
      await reported
      return await this.#end(outcome)
    } finally {
      lease.signal.removeEventListener('abort', onLost)
      await lease.release()
    }
  }

  async #attempt(work: (run: JobRun) => Promise<void>): Promise<Outcome> {
    try {
      await work({
        job: this.job,
        signal: this.#ending.signal,
        stopReason: () => this.#stopReason,
        report: progress => {
          this.#progress = progress
        },
      })
      return { state: 'done' }
    } catch (error) {
      return this.#judge(error)
    }
  }

  #judge(error: unknown): Outcome {
    const { job } = this
    const { code } = describeError(error)
    const reported = errorOfJob(error)
    if (this.#begun.lease.signal.aborted) return { state: 'lost' }
    const isForeign = !hasOwnWords(error)
    if (isForeign && !CANCELLATIONS.has(code)) {
      this.#tools.log.error({ job_id: job.id, error }, 'a job met what nobody foresaw')
    }
    // It knows best what it has left in its target, whoever wanted it to stop.
    if (job.kind === 'restore' && !CANCELLATIONS.has(code)) {
      return { state: 'failed', error: reported }
    }
    if (this.#stopReason === 'cancelled' || job.cancel_requested_at !== null) {
      return {
        state: 'cancelled',
        error: { code: 'CANCELLED', message: isForeign ? 'Cancelled' : reported.message },
      }
    }
    if (this.#stopReason === 'stopping') {
      if (mayBeBegunAgain(job)) return { state: 'queued', error: undefined, afterMs: 0 }
      return { state: 'failed', error: interrupted(job.kind) }
    }
    const afterMs = pauseBeforeRetry(job, code)
    if (afterMs === undefined) return { state: 'failed', error: reported }
    return { state: 'queued', error: reported, afterMs }
  }

  /** Writes down how far it is, once a second, and hears whether it is to be cancelled. */
  async #keepReporting(until: AbortSignal): Promise<void> {
    const { lease } = this.#begun
    while (!until.aborted && !lease.signal.aborted) {
      await sleep(REPORT_EVERY_MS, undefined, { signal: until }).catch(() => {})
      if (until.aborted) return
      try {
        const progress = this.#progress
        const isToStop = await noteProgress(this.#tools.database, { ...this.#named, progress })
        this.#written = progress
        if (isToStop) this.stop('cancelled')
      } catch (error) {
        // A catalog that is away is asked again; a lease that is lost has ended this already.
        this.#tools.log.debug({ job_id: this.job.id, error }, 'progress was not written')
      }
    }
  }

  /**
   * A job that nobody hears the end of would be done again: so the catalog is asked until it answers, or the
   * lease is lost.
   */
  async #end(outcome: Outcome): Promise<Outcome['state']> {
    const { log } = this.#tools
    const { lease } = this.#begun
    const until = performance.now() + RECORD_END_FOR_MS
    let isUnanswered = false
    for (;;) {
      try {
        if (outcome.state !== 'lost') await this.#record(outcome)
        this.#log(outcome)
        return outcome.state
      } catch (error) {
        const { code } = describeError(error)
        if (code === 'LEASE_LOST' && isUnanswered && (await this.#isRecorded(outcome))) {
          this.#log(outcome)
          return outcome.state
        }
        const isAway = code === 'CATALOG'
        isUnanswered ||= isAway
        if (!isAway || lease.signal.aborted || performance.now() >= until) {
          log.error({ job_id: this.job.id, error }, 'the catalog could not be told how a job ended')
          return 'lost'
        }
      }
      await sleep(RECORD_AGAIN_MS)
    }
  }

  /** An earlier try, whose answer was lost, gave the lease back. */
  async #isRecorded(outcome: Outcome): Promise<boolean> {
    const job = await getJob(this.#tools.database, this.job.id).catch(() => null)
    return job?.state === outcome.state && job.attempt === this.job.attempt
  }

  async #record(outcome: Exclude<Outcome, { state: 'lost' }>): Promise<void> {
    const { database } = this.#tools
    if (outcome.state === 'queued') {
      const { afterMs, error } = outcome
      return await putBackJob(database, { ...this.#named, afterMs, error }, this.#queue.deliver)
    }
    const isNews = this.#progress !== this.#written
    await finishJob(database, {
      ...this.#named,
      state: outcome.state,
      ...(outcome.state === 'done' ? {} : { error: outcome.error }),
      ...(isNews ? { progress: this.#progress } : {}),
    })
    // It is only the message: without this, whoever finds it sees that the job has ended.
    await this.#queue.settle(this.job).catch(() => {})
  }

  get #named(): { jobId: string; leaseToken: string } {
    return { jobId: this.job.id, leaseToken: this.#begun.lease.token }
  }

  #log(outcome: Outcome): void {
    const { id, kind, source, target, attempt } = this.job
    const facts = { job_id: id, kind, source, target, attempt, state: outcome.state }
    const { log } = this.#tools
    if (outcome.state === 'done' || outcome.state === 'cancelled') log.info(facts, `job ${outcome.state}`)
    else if (outcome.state === 'failed') log.error({ ...facts, error: outcome.error }, 'job failed')
    else if (outcome.state === 'lost') log.warn(facts, 'another process has taken the job over')
    else if (outcome.state === 'queued') {
      log.warn({ ...facts, error: outcome.error, after_seconds: outcome.afterMs / 1_000 }, 'job put back')
    }
  }
}
