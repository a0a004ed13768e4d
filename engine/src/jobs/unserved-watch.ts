import type { Job } from '@telegram-backup/database'

/**
 * Measures how long this process has seen each job without a process that could do it. Time before that does
 * not count: after an outage of all services, the first one back must not fail the jobs of the others.
 */
export class UnservedWatch {
  readonly #forMs: number
  #since = new Map<string, number>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @param forMs how long a job has to be unserved; after a gap of that length the watch starts again */
  constructor({ forMs }: { forMs: number }) {
    this.#forMs = forMs
  }

  /**
   * Takes the jobs that are unserved now; returns those that were unserved at each call for `forMs`.
   * @param nowMs by the monotonic clock
   */
  overdue(jobs: readonly Job[], nowMs: number): Job[] {
    const before = nowMs - this.#lookedAt > this.#forMs ? undefined : this.#since
    this.#lookedAt = nowMs
    this.#since = new Map(jobs.map(({ id }) => [id, before?.get(id) ?? nowMs]))
    return jobs.filter(({ id }) => nowMs - (this.#since.get(id) ?? nowMs) >= this.#forMs)
  }
}
