import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { catalogClock } from '#clock.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { Job } from '#jobs/types.job.ts'
import { tryLockByName } from '#named-locks.ts'
import { createJobIn, type DeliverJob } from '#queue/job-requests.ts'

/** A complete backup, as the plan of verifications sees it. */
export interface SampledBackup {
  id: string
  project_id: string
  /** Bytes as sent, in its own chat. */
  bytes: number
  /** Messages there. */
  messages: number
  created_at: Date
  /** When all its bytes were last read, whatever was found; null for never. */
  last_read_at: Date | null
  /** When its messages were last checked or read. */
  last_looked_at: Date | null
  /** When a reading last began, even a failed one. */
  last_begun_at: Date | null
  /** When a verification of either kind last began. */
  last_asked_at: Date | null
  /** Equal for all backups of one project, type and source. */
  source_key: string
  /** The newest of its `source_key`. */
  is_newest: boolean
  /** A job that verifies it waits or runs. */
  is_busy: boolean
}

/** The reading that sampling and planned drills asked for within the last hour. */
export interface SampledLately {
  bytes: number
  messages: number
}

/** A verification to make. */
export interface SampledPick {
  backup: Pick<SampledBackup, 'id' | 'project_id'>
  readData: boolean
}

/**
 * Lets `decide` choose what to verify now, by the database's time, and makes the jobs. One transaction under
 * a lock: several processes make each choice once. Returns the jobs; none while another process chooses.
 */
export async function sampleBackups(
  database: Database,
  decide: (facts: {
    backups: readonly SampledBackup[]
    lately: SampledLately
    now: Date
  }) => readonly SampledPick[],
  deliver: DeliverJob,
): Promise<Job[]> {
  return await inTransaction(database.kysely, async trx => {
    if (!(await tryLockByName(trx, 'telegram-backup sampling'))) return []
    const now = await catalogClock({ kysely: trx })
    const facts = { backups: await sampled(trx), lately: await sampledLately(trx), now }
    const jobs: Job[] = []
    for (const { backup, readData } of decide(facts)) {
      const { job } = await createJobIn(
        trx,
        {
          ...{ kind: 'verify', projectId: backup.project_id, backupId: backup.id },
          options: { read_data: readData, sampled: true },
        },
        { actor: 'sampling', deliver },
      )
      jobs.push(job)
    }
    return jobs
  })
}

async function sampled(trx: Transaction<CatalogSchema>): Promise<SampledBackup[]> {
  const { rows } = await sql<SampledBackup>`
    select backup.id, backup.project_id, backup.created_at,
           coalesce(backup.archive_size, backup.size) as bytes, coalesce(backup.part_count, 0) + 1 as messages,
           greatest(backup.verified_at, done.read_at) as last_read_at,
           greatest(backup.verified_at, done.looked_at) as last_looked_at,
           done.begun_at as last_begun_at, done.asked_at as last_asked_at,
           jsonb_build_array(backup.project_id, backup.type, backup.source_name)::text as source_key,
           backup.created_at = max(backup.created_at) over (
             partition by backup.project_id, backup.type, backup.source_name) as is_newest,
           exists (select from control_plane.jobs job
                    where job.backup_id = backup.id and job.kind = 'verify' and job.state in ('queued', 'running')) as is_busy
      from control_plane.backups backup
      left join (select backup_id, max(started_at) as asked_at,
                        max(started_at) filter (where kind = 'data') as begun_at,
                        max(finished_at) filter (where state in ('sound', 'damaged')) as looked_at,
                        max(finished_at) filter (where state in ('sound', 'damaged') and kind = 'data') as read_at
                   from control_plane.verifications group by backup_id) done on done.backup_id = backup.id
     where backup.state = 'complete'
       and exists (select from control_plane.backup_parts part
                    where part.backup_id = backup.id and part.message_id is not null)
     order by backup.created_at, backup.id
  `.execute(trx)
  return rows
}

/** Messages of packs of buckets that nobody asked for and that were read within the last hour. */
async function packMessagesLately(trx: Transaction<CatalogSchema>): Promise<number> {
  const { rows } = await sql<{ messages: number }>`
    select coalesce(sum((options->>'messages')::bigint), 0)::bigint as messages from control_plane.jobs
     where kind = 'verify' and options @> '{"sampled": true}' and options ? 'bucket_id'
       and created_at > clock_timestamp() - interval '1 hour'
  `.execute(trx)
  return rows[0]?.messages ?? 0
}

/** What verifications and drills that nobody asked for have to read. */
export async function sampledLately(trx: Transaction<CatalogSchema>): Promise<SampledLately> {
  const { rows } = await sql<SampledLately>`
    select coalesce(sum(coalesce(backup.archive_size, backup.size)), 0)::bigint as bytes,
           coalesce(sum(coalesce(backup.part_count, 0) + 1), 0)::bigint + ${await packMessagesLately(trx)}::bigint as messages
      from control_plane.jobs job join control_plane.backups backup on backup.id = job.backup_id
     where (job.kind = 'verify' and job.options @> '{"sampled": true, "read_data": true}'
            or job.kind = 'drill' and job.options @> '{"planned": true}')
       and job.created_at > clock_timestamp() - interval '1 hour'
  `.execute(trx)
  return rows[0] ?? { bytes: 0, messages: 0 }
}
