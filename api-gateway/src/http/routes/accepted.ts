import type { ApiKey, NewJob } from '@telegram-backup/database'
import type { JobQueue } from '@telegram-backup/engine/jobs/job-queue.ts'
import { actorOf } from '#http/callers.ts'
import type { Answer, DescribedAnswer } from '#http/routes/route.ts'
import { JOB_ACCEPTED } from '#http/schemas/job-schemas.ts'

/** What a route answers that leaves the work to a job. */
export const JOB_ACCEPTED_ANSWER: DescribedAnswer = {
  description: 'It is handed to the queue; Location names the job',
  schema: JOB_ACCEPTED,
  headers: { Location: 'The path of the job' },
}

/**
 * Hands a job in; a request that repeats an idempotency key of the same API key gets the job of the first one, and one for what
 * waits already by the same API key gets the job that waits.
 */
export async function submitted(
  queue: JobQueue,
  of: { caller: ApiKey; idempotencyKey?: string | undefined; job: NewJob },
): Promise<Answer> {
  const { job } = await queue.submit({
    ...of.job,
    actor: actorOf(of.caller),
    byKey: { apiKeyId: of.caller.id, idempotencyKey: of.idempotencyKey },
  })
  return { status: 202, body: { job_id: job.id }, headers: { Location: `/api/v1/jobs/${job.id}` } }
}
