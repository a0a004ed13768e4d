import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BegunJob, beginJob, dueWork, type JobKind, redeliverJob } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import type { JobHandler, JobTools } from '#jobs/job-handler.ts'
import type { PgBossQueue } from '#jobs/pg-boss-queue.ts'
import { queueOf } from '#jobs/queue-names.ts'
import { RunningJob } from '#jobs/running-job.ts'
import { mayTakeSlot, type SlotUse } from '#jobs/slot-rules.ts'

export type JobHandlers = Readonly<Record<JobKind, JobHandler>>

export interface JobRunnerOptions {
  tools: JobTools
  queue: PgBossQueue
  handlers: JobHandlers
  /** The queues that this process now takes jobs from. */
  queues: () => readonly string[]
  slots: number
  /** How often it looks for work without being woken. */
  lookEveryMs: number
  /** After a stop: how long jobs may take to undo what they did. */
  takeBackMs: number
  /** Called after each attempt, for metrics. */
  onAttempt?: ((ended: { kind: JobKind; state: string; seconds: number }) => void) | undefined
}

/** The longest pause while the catalog does not answer. */
const LONGEST_PAUSE_MS = 10_000

/**
 * Takes jobs from the queues while it has a free slot, and runs them. A single query tells whether any job is
 * due, so an idle service costs almost nothing.
 */
export class JobRunner {
  readonly #options: JobRunnerOptions
  readonly #running = new Map<RunningJob, Promise<void>>()
  readonly #stopping = new AbortController()
  #waking = new AbortController()
  #loop: Promise<void> | undefined
  #beginning = 0
  /** The time in which jobs may end by themselves is over. */
  #isCutOff = false

  constructor(options: JobRunnerOptions) {
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#look()
  }

  /** Tells it that there may be work. */
  wake(): void {
    this.#waking.abort()
  }

  get active(): number {
    return this.#running.size
  }

  /**
   * Takes no more jobs. Running jobs may end within `graceMs`; then they are asked to stop, and are put back.
   * Resolves at most `takeBackMs` later, also when a job does not stop or the catalog hangs: the lease of
   * such a job ends with this process.
   */
  async stop({ graceMs }: { graceMs: number }): Promise<void> {
    this.#stopping.abort()
    this.wake()
    if (await this.#allEnd(graceMs)) return
    this.#isCutOff = true
    for (const job of this.#running.keys()) job.stop('stopping')
    if (await this.#allEnd(this.#options.takeBackMs)) return
    this.#options.tools.log.warn(
      { jobs: this.#running.size },
      'jobs did not stop in time; another process will find them',
    )
  }

  async #allEnd(withinMs: number): Promise<boolean> {
    const timer = new AbortController()
    // A job that the loop takes at this moment begins before the loop ends.
    const ended = (this.#loop ?? Promise.resolve())
      .then(() => Promise.all(this.#running.values()))
      .then(() => true)
    const late = sleep(withinMs, false, { signal: timer.signal }).catch(() => false)
    const isEnd = await Promise.race([ended, late])
    timer.abort()
    return isEnd
  }

  async #look(): Promise<void> {
    const { lookEveryMs, tools } = this.#options
    let failures = 0
    while (!this.#stopping.signal.aborted) {
      this.#waking = new AbortController()
      let tookAny = false
      try {
        tookAny = await this.#takeWhatIsDue()
        if (failures > 0) tools.log.info('work can be taken again')
        failures = 0
      } catch (error) {
        // Logged once, not for every try of a long outage.
        if (++failures === 1) tools.log.warn({ error }, 'no work could be taken; trying again')
      }
      if (tookAny) continue
      const pauseMs = Math.min(lookEveryMs * 2 ** failures, Math.max(lookEveryMs, LONGEST_PAUSE_MS))
      await sleep(pauseMs, undefined, { signal: this.#waking.signal }).catch(() => {})
    }
  }

  async #takeWhatIsDue(): Promise<boolean> {
    const { queue, slots, tools, handlers } = this.#options
    const isFree = (): boolean => this.#running.size + this.#beginning < slots
    if (!isFree()) return false
    let tookAny = false
    const served = new Set(this.#options.queues())
    for (const work of await dueWork(tools.database)) {
      const name = queueOf(work)
      if (name === undefined || !served.has(name)) continue
      if (!mayTakeSlot(work, this.#slotUses(), slots)) continue
      if (this.#stopping.signal.aborted || !isFree()) return false
      const jobId = await queue.take(name)
      if (jobId === undefined) continue
      await this.#begin({ ...work, id: jobId }, handlers[work.kind])
      tookAny = true
    }
    return tookAny
  }

  #slotUses(): SlotUse[] {
    return [...this.#running.keys()].map(({ job, asker }) => ({ kind: job.kind, asker }))
  }

  async #begin(
    taken: { id: string; kind: JobKind; source: string | null; target: string | null },
    handler: JobHandler,
  ): Promise<void> {
    const { queue, tools, onAttempt } = this.#options
    const worker = `process ${process.pid} on ${hostname()}`
    this.#beginning += 1
    let begun: BegunJob | null
    try {
      begun = await beginJob(tools.database, { jobId: taken.id, worker })
    } catch (error) {
      if (describeError(error).code !== 'BUSY') throw error
      // If the job still waits, it is delivered again; if another process works on it, it stays there.
      if (!(await redeliverJob(tools.database, taken.id, queue.deliver))) await queue.acknowledge(taken)
      return
    } finally {
      this.#beginning -= 1
    }
    if (begun === null) return await queue.acknowledge(taken)
    const running = new RunningJob(begun, { tools, queue })
    if (this.#isCutOff) running.stop('stopping')
    const { id: job_id, kind, source } = taken
    tools.log.info({ job_id, kind, source, attempt: begun.job.attempt }, 'job begun')
    const since = performance.now()
    const ended = running
      .run(run => handler(run, tools))
      .then(
        state => {
          onAttempt?.({ kind, state, seconds: (performance.now() - since) / 1000 })
          this.#running.delete(running)
          this.wake()
        },
        (error: unknown) => {
          this.#running.delete(running)
          tools.log.error({ job_id: taken.id, error }, 'a job ended with an unexpected error')
        },
      )
    this.#running.set(running, ended)
  }
}
