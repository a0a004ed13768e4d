import type { Job } from '@telegram-backup/database'

/**
 * For how long this process has seen each job without a process that could do it. Earlier time does not
 * count: while no process ran, none could say what it does, and the first one back must not fail jobs that
 * wait for the others.
 */
export class UnservedWatch {
  readonly #forMs: number
  #since = new Map<string, number>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @param forMs how long a job has to be seen so; after a gap of that length the watch starts anew */
  constructor({ forMs }: { forMs: number }) {
    this.#forMs = forMs
  }

  /**
   * Takes the jobs that are unserved now, and returns those that have been so at each call for that long.
   * @param nowMs by the monotonic clock
   */
  overdue(jobs: readonly Job[], nowMs: number): Job[] {
    const before = nowMs - this.#lookedAt > this.#forMs ? undefined : this.#since
    this.#lookedAt = nowMs
    this.#since = new Map(jobs.map(({ id }) => [id, before?.get(id) ?? nowMs]))
    return jobs.filter(({ id }) => nowMs - (this.#since.get(id) ?? nowMs) >= this.#forMs)
  }
}
