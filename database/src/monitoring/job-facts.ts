import { sql } from 'kysely'
import type { Database } from '#database.ts'
import type { JobKind } from '#jobs/types.job.ts'

/** The jobs of one kind, source and target that have not ended. */
export interface OpenJobs {
  kind: JobKind
  source: string | null
  target: string | null
  count: number
  running: number
  /**
   * How long the oldest due job has waited, in milliseconds of the database's clock; null when none waits.
   */
  oldest_ms: number | null
  /** The oldest job whose last attempt failed: its age in milliseconds, and the error. */
  failing: { for_ms: number; code: string; message: string } | null
}

export async function openJobs(database: Database): Promise<OpenJobs[]> {
  const { rows } = await sql<OpenJobs>`
    select kind, source, target, count(*) as count, count(*) filter (where state = 'running') as running,
           (extract(epoch from clock_timestamp()
             - min(greatest(created_at, run_after)) filter (where state = 'queued' and run_after <= clock_timestamp()))
             * 1000)::bigint as oldest_ms,
           (array_agg(jsonb_build_object('code', error_code, 'message', error,
             'for_ms', round(extract(epoch from clock_timestamp() - created_at) * 1000)) order by created_at)
             filter (where error is not null and error_code is not null))[1] as failing
      from control_plane.jobs where state in ('queued', 'running')
     group by kind, source, target order by kind, source, target
  `.execute(database.kysely)
  return rows
}
