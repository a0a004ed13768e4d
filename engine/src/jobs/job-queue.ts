import type { Job, NewJob } from '@telegram-backup/database'

/** The part of the queue that HTTP, schedules and the command line use. */
export interface JobQueue {
  /**
   * Records a job and hands it to the queue, in one transaction. When there is a job with the same
   * idempotency key, or a waiting job for the same work by the same API key, resolves to that one. Throws
   * `INVALID`, `CONFLICT`, `QUEUE_FULL`, `CATALOG`.
   */
  submit(request: NewJob): Promise<{ job: Job; isNew: boolean }>
  /**
   * Cancels a waiting job; asks a running job to stop. Null for an unknown id. Throws `CONFLICT` after its
   * end.
   * @param actor who is named in the audit; the process by default
   */
  cancel(jobId: string, actor?: string): Promise<Job | null>
}
