import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { BACKUP_STATES, type BackupState } from '#jobs/types.backup.ts'
import type { JobKind, JobState } from '#jobs/types.job.ts'
import type { NoticeChannel } from '#monitoring/types.alert.ts'

/** What there is to be done, and what cannot be. */
export interface QueueFacts {
  /** How many jobs there are of each kind and state that has any. */
  jobs: { kind: JobKind; state: JobState; count: number }[]
  /** For each kind that has a job whose time to run has come: for how many milliseconds the oldest has waited, by the database's clock. */
  waiting: { kind: JobKind; oldest_ms: number }[]
  /** Backups in each state, also those that have none. */
  backups: Record<BackupState, number>
  /** Messages of backups that are to be erased, each with a note why it could not be. */
  erase_failures: number
  /** Notices that wait to be told, of each channel that has any: how many, and for how many milliseconds the oldest has waited. */
  notices: { channel: NoticeChannel; count: number; oldest_ms: number }[]
}

/** Counts jobs and backups. Each part is as of its own moment. */
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
