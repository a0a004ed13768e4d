import type { Job, NewJob } from '@telegram-backup/database'

/**
 * Where jobs are handed in. Whoever asks for work (HTTP, schedules, the command line) knows no more of the
 * queue.
 */
export interface JobQueue {
  /**
   * Writes a job down and hands it to the queue, both or neither. A job of the same idempotency key, or one
   * that waits for the same by the same API key, is given back. Throws `INVALID`, `CONFLICT`, `QUEUE_FULL`,
   * `CATALOG`.
   */
  submit(request: NewJob): Promise<{ job: Job; isNew: boolean }>
  /**
   * Cancels a job that waits; asks one that runs to stop. Null for an unknown id. Throws `CONFLICT` for one
   * that has ended.
   */
  cancel(jobId: string): Promise<Job | null>
}
