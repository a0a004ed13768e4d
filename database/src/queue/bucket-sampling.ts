import { type Kysely, sql } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { Job } from '#jobs/types.job.ts'
import { tryLockByName } from '#named-locks.ts'
import { isReadable, unreadSince } from '#objects/packs/pack-health.ts'
import { createJobIn, type DeliverJob } from '#queue/job-requests.ts'
import { type SampledLately, sampledLately } from '#queue/sampling.ts'

/** A bucket, as the plan of verifications sees it. Only packs count that a chat should still have. */
export interface SampledBucket {
  id: string
  name: string
  project_id: string
  packs: number
  /** Messages of these, in all chats. */
  messages: number
  /** Packs that were unread for half of their time, and for more than three quarters of it and an hour. */
  due: number
  late: number
  /** Packs that sampling asked for within the last hour. */
  packs_lately: number
  /** A job that reads it waits or runs, or failed within the last six hours. */
  is_busy: boolean
}

/** The packs of a bucket to read now: so many, those that were unread for the longest time. */
export interface SampledPacks {
  bucket: Pick<SampledBucket, 'id' | 'name' | 'project_id'>
  packs: number
  /** Messages of these, about. */
  messages: number
}

/**
 * Lets `decide` choose how many packs of which buckets to read now, and makes a job for each bucket. One
 * transaction under the lock of `sampleBackups`. Returns the jobs; none while another process chooses.
 */
export async function sampleBuckets(
  database: Database,
  {
    readAllWithinMs,
    decide,
  }: {
    /** Every pack is read at least so often, in milliseconds. */
    readAllWithinMs: number
    decide: (facts: { buckets: readonly SampledBucket[]; lately: SampledLately }) => readonly SampledPacks[]
  },
  deliver: DeliverJob,
): Promise<Job[]> {
  return await inTransaction(database.kysely, async trx => {
    if (!(await tryLockByName(trx, 'telegram-backup sampling'))) return []
    const buckets = await sampledBuckets(trx, readAllWithinMs)
    const jobs: Job[] = []
    for (const { bucket, packs, messages } of decide({ buckets, lately: await sampledLately(trx) })) {
      const { job } = await createJobIn(
        trx,
        {
          ...{ kind: 'verify', projectId: bucket.project_id },
          options: {
            ...{ bucket_id: bucket.id, bucket: bucket.name },
            ...{ packs, messages, read_data: true, sampled: true },
          },
        },
        { actor: 'sampling', deliver },
      )
      jobs.push(job)
    }
    return jobs
  })
}

async function sampledBuckets(
  kysely: Kysely<CatalogSchema>,
  readAllWithinMs: number,
): Promise<SampledBucket[]> {
  const unread = sql`extract(epoch from clock_timestamp() - ${unreadSince}) * 1000`
  const { rows } = await sql<SampledBucket>`
    select bucket.id, bucket.name, bucket.project_id, count(*) as packs, sum(copies.count)::bigint as messages,
           count(*) filter (where ${unread} >= ${readAllWithinMs / 2}) as due,
           count(*) filter (where ${unread} > ${0.75 * readAllWithinMs + 3_600_000}) as late,
           coalesce(asked.packs, 0)::bigint as packs_lately, coalesce(asked.is_busy, false) as is_busy
      from control_plane.object_buckets bucket
      join control_plane.packs pack on pack.bucket_id = bucket.id and ${isReadable}
     cross join lateral (
       select count(*) as count from control_plane.pack_messages message
        where message.pack_id = pack.id and message.state = 'sent') copies
      left join (
       select options->>'bucket_id' as bucket_id,
              sum((options->>'packs')::bigint) filter (where created_at > clock_timestamp() - interval '1 hour') as packs,
              bool_or(state in ('queued', 'running')
                or (state = 'failed' and created_at > clock_timestamp() - interval '6 hours')) as is_busy
         from control_plane.jobs
        where kind = 'verify' and options ? 'bucket_id'
          and (state in ('queued', 'running') or created_at > clock_timestamp() - interval '6 hours')
        group by 1) asked on asked.bucket_id = bucket.id::text
     where bucket.removed_at is null
     group by bucket.id, asked.packs, asked.is_busy
     order by bucket.name
  `.execute(kysely)
  return rows
}
