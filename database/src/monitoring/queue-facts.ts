import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { BACKUP_STATES, type BackupState } from '#jobs/types.backup.ts'
import type { JobKind, JobState } from '#jobs/types.job.ts'
import type { NoticeChannel } from '#monitoring/types.alert.ts'

export interface QueueFacts {
  /** The number of jobs of each kind and state that has any. */
  jobs: { kind: JobKind; state: JobState; count: number }[]
  /** How long the oldest due job of each kind has waited, in milliseconds of the database's clock. */
  waiting: { kind: JobKind; oldest_ms: number }[]
  /** The number of backups in each state, zeros included. */
  backups: Record<BackupState, number>
  /** The number of messages that should be erased and could not be. */
  erase_failures: number
  /** Waiting notices of each channel that has any: their number, and how long the oldest has waited. */
  notices: { channel: NoticeChannel; count: number; oldest_ms: number }[]
}

/** Counts jobs, backups and notices. Each number is of its own moment. */
export async function queueFacts(database: Database): Promise<QueueFacts> {
  const { kysely } = database
  const jobs = await kysely
    .selectFrom('jobs')
    .select(({ fn }) => ['kind', 'state', fn.countAll<number>().as('count')])
    .groupBy(['kind', 'state'])
    .orderBy('kind')
    .orderBy('state')
    .execute()
  const waiting = await sql<QueueFacts['waiting'][number]>`
    select kind, (extract(epoch from clock_timestamp() - min(greatest(created_at, run_after))) * 1000)::bigint as oldest_ms
      from control_plane.jobs where state = 'queued' and run_after <= clock_timestamp()
     group by kind order by kind
  `.execute(kysely)
  const notices = await sql<QueueFacts['notices'][number]>`
    select channel, count(*)::integer as count,
           (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::bigint as oldest_ms
      from control_plane.notices group by channel order by channel
  `.execute(kysely)
  const counted = await kysely
    .selectFrom('backups')
    .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute()
  const counts = new Map(counted.map(({ state, count }) => [state, count]))
  const { erase_failures } = await kysely
    .selectFrom('backup_parts')
    .innerJoin('backups', 'backups.id', 'backup_parts.backup_id')
    .select(({ fn }) => fn.countAll<number>().as('erase_failures'))
    .where('backups.state', '=', 'erasing')
    .where('backup_parts.error', 'is not', null)
    .where('backup_parts.message_id', 'is not', null)
    .where('backup_parts.state', 'not in', ['erased', 'tombstone'])
    .executeTakeFirstOrThrow()
  return {
    jobs,
    waiting: waiting.rows,
    backups: Object.fromEntries(
      BACKUP_STATES.map(state => [state, counts.get(state) ?? 0]),
    ) as QueueFacts['backups'],
    erase_failures,
    notices: notices.rows,
  }
}
