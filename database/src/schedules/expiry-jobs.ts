import { sql } from 'kysely'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { Job } from '#jobs/types.job.ts'
import { lockByName } from '#named-locks.ts'
import { createJobIn, type DeliverJob } from '#queue/job-requests.ts'

/**
 * Makes a job that applies retention when it is due; otherwise null. Due: none waits or runs, and since the
 * last one a notice was sent that held up an erase, or `leastMs` passed and a scheduled backup was completed,
 * or `mostMs` passed. One of several concurrent callers makes it.
 */
export async function createExpiryJobWhenDue(
  database: Database,
  { leastMs, mostMs }: { leastMs: number; mostMs: number },
  deliver: DeliverJob,
): Promise<Job | null> {
  return await inTransaction(database.kysely, async trx => {
    await lockByName(trx, 'control_plane: expiry jobs')
    const { rows } = await sql<{ due: boolean }>`
      with last as (
        select max(created_at) as at, bool_or(state in ('queued', 'running')) as open
          from control_plane.jobs where kind = 'expire'
      )
      select coalesce(not open, true) and (
               at is null
               or clock_timestamp() - at >= ${mostMs} * interval '1 millisecond'
               or exists (
                    select from control_plane.retention_notices told
                     where kind = 'erase' and notice_id is not null and told_at >= at
                       and not exists (select from control_plane.notices where notices.id = told.notice_id))
               or clock_timestamp() - at >= ${leastMs} * interval '1 millisecond' and exists (
                    select from control_plane.backups
                     where schedule_id is not null and state = 'complete' and completed_at >= at)
             ) as due
        from last
    `.execute(trx)
    if (rows[0]?.due !== true) return null
    const { job } = await createJobIn(trx, { kind: 'expire' }, { actor: 'retention', deliver })
    return job
  })
}
