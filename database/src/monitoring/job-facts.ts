import { sql } from 'kysely'
import type { Database } from '#database.ts'
import type { JobKind } from '#jobs/types.job.ts'

/** The jobs of one kind and place that have not ended. */
export interface OpenJobs {
  kind: JobKind
  /** Null for jobs of a kind that has none. */
  source: string | null
  target: string | null
  count: number
  /** How many of them run. */
  running: number
  /** For how many milliseconds the oldest has waited whose time has come, by the database's clock; null when none waits. */
  oldest_ms: number | null
  /** Of those whose last attempt failed, the oldest: for how many milliseconds it is there, and why it failed. */
  failing: { for_ms: number; code: string; message: string } | null
}

/** What waits or runs, by kind and place. */
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
