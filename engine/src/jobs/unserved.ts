import type { Job, JobError } from '@telegram-backup/database'
import { BackupError, hint, run, tellError } from '@telegram-backup/errors'

/** Why a job has failed that no process could do. */
export function unserved({ kind, source, target }: Pick<Job, 'kind' | 'source' | 'target'>): JobError {
  const name = kind === 'restore' ? `target ${target}` : `source ${source}`
  const error = new BackupError(`No serve knows the ${name}, so that nobody could begin the job`, {
    code: 'UNSERVED',
    hint: hint`Write the ${name} into the telegram-backup.yaml of the machine that is to do it, and ask for it once more; or remove the schedule that asks for it (${run('schedule list')}).`,
  })
  return tellError(error)
}

/**
 * How long this process has seen of each job that nobody does it. What was before counts for nothing: while no process ran, none
 * could say what it does, and the first one back is not to fail what waits for the others.
 */
export class UnservedWatch {
  readonly #forMs: number
  #since = new Map<string, number>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @param forMs how long a job has to be seen so; who has not looked for as long begins anew. */
  constructor({ forMs }: { forMs: number }) {
    this.#forMs = forMs
  }

  /**
   * Of the jobs that are unserved at this look, those that were so at each look for as long as that.
   * @param nowMs of a clock that is never set
   */
  overdue(jobs: readonly Job[], nowMs: number): Job[] {
    const before = nowMs - this.#lookedAt > this.#forMs ? undefined : this.#since
    this.#lookedAt = nowMs
    this.#since = new Map(jobs.map(({ id }) => [id, before?.get(id) ?? nowMs]))
    return jobs.filter(({ id }) => nowMs - (this.#since.get(id) ?? nowMs) >= this.#forMs)
  }
}
