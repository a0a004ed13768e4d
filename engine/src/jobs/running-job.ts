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
import { type JobLogWriter, openJobLog } from '#jobs/job-log-writer.ts'
import { noteLine, type StageLine } from '#jobs/job-stages.ts'
import { mayBeBegunAgain, pauseBeforeRetry } from '#jobs/retry-rules.ts'
import { formatSpan } from '#units/human-units.ts'

const REPORT_EVERY_MS = 1_000
/** How long it tries to record the end of a job in a catalog that does not answer. */
const RECORD_END_FOR_MS = 60_000
const RECORD_AGAIN_MS = 500

/** The queue that delivered the job. */
export interface JobDelivery {
  deliver: DeliverJob
  acknowledge(job: Job): Promise<void>
}

/** The codes of our errors and of Node's errors after a request to stop. */
const CANCELLATIONS: ReadonlySet<string> = new Set(['CANCELLED', 'ABORT_ERR'])

type Outcome =
  | { state: 'done' }
  | { state: 'failed'; error: JobError }
  | { state: 'cancelled'; error: JobError }
  | { state: 'queued'; error: JobError | undefined; afterMs: number }
  | { state: 'lost' }

/** One attempt at a job, until its row says how it ended. */
export class RunningJob {
  readonly job: Job
  readonly asker: JobAsker | null
  readonly #begun: BegunJob
  readonly #tools: Pick<JobTools, 'database' | 'log'>
  readonly #queue: JobDelivery
  readonly #ending = new AbortController()
  readonly #lines: JobLogWriter
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
    this.#lines = openJobLog(of.tools, begun.job.id)
  }

  /** Asks it to stop. It then undoes what it did as far as possible, and `run` resolves. */
  stop(reason: StopReason): void {
    this.#stopReason ??= reason
    this.#ending.abort()
  }

  /** Never throws: failures go to the job's row, or to the log when the row cannot be written. */
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
      // Before the end of the job: who learns of that finds the whole log.
      await this.#lines.end(this.#lastLine(outcome))
      return await this.#end(outcome)
    } finally {
      lease.signal.removeEventListener('abort', onLost)
      await lease.release()
    }
  }

  async #attempt(work: (run: JobRun) => Promise<void>): Promise<Outcome> {
    const { attempt } = this.job
    if (attempt > 1) this.#lines.add({ stage: 'prepare', level: 'info', text: `Attempt ${attempt}` })
    try {
      await work({
        job: this.job,
        signal: this.#ending.signal,
        stopReason: () => this.#stopReason,
        report: progress => {
          this.#progress = progress
        },
        tell: (stage, text, level = 'info') => this.#lines.add({ stage, level, text }),
        note: line => {
          this.#tools.log.info({ job_id: this.job.id }, line)
          this.#lines.add({ stage: this.#lines.stage, ...noteLine(line) })
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
    if (isForeign && !CANCELLATIONS.has(code) && error !== this.#ending.signal.reason) {
      this.#tools.log.error({ job_id: job.id, error }, 'a job failed with an unexpected error')
    }
    // Only the restore itself knows the state of its target, even when it was asked to stop.
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

  /** Why the attempt was the last one, or was not; what went well has been told. */
  #lastLine(outcome: Outcome): StageLine | undefined {
    const { stage } = this.#lines
    if (outcome.state === 'done' || outcome.state === 'lost') return undefined
    if (outcome.error === undefined)
      return { stage, level: 'warn', text: 'The service stops; another attempt follows' }
    const { code, message, hint } = outcome.error
    const why = `${message} (${code})${hint === undefined ? '' : `. ${hint}`}`
    if (outcome.state !== 'queued') {
      return { stage, level: outcome.state === 'cancelled' ? 'warn' : 'error', text: why }
    }
    return {
      stage,
      level: 'warn',
      text: `${why} The next attempt is in ${formatSpan(outcome.afterMs / 1_000)}.`,
    }
  }

  /** Records the progress once a second, and learns whether the job should be cancelled. */
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
        // The next round tries again; a lost lease has already ended this loop.
        this.#tools.log.debug({ job_id: this.job.id, error }, 'progress was not written')
      }
    }
  }

  /** Tries until the catalog answers or the lease is lost: a job without a recorded end would run again. */
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
          log.error({ job_id: this.job.id, error }, 'the end of a job could not be recorded')
          return 'lost'
        }
      }
      await sleep(RECORD_AGAIN_MS)
    }
  }

  /** An earlier try succeeded and released the lease, but its answer was lost. */
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
      error: outcome.state === 'done' ? undefined : outcome.error,
      progress: isNews ? this.#progress : undefined,
    })
    // If this fails, the process that gets the message sees that the job has ended.
    await this.#queue.acknowledge(this.job).catch(() => {})
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
