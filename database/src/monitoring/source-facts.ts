import { sql } from 'kysely'
import { SOURCE_KEY } from '#backups/source-key.ts'
import type { Database } from '#database.ts'
import type { BackupType } from '#jobs/types.backup.ts'

/** Facts about the backups of one source, or of a project and type without a source. Sizes are bytes. */
export interface SourceFacts {
  project_id: string
  type: BackupType
  /** Null for backups without a source. */
  source_name: string | null
  is_scheduled: boolean
  /** When its oldest enabled schedule was made; null for none. */
  scheduled_since: Date | null
  /** Complete backups, damaged ones included; plain bytes, and bytes as sent where they are known. */
  complete_count: number
  complete_size: number
  complete_archive_size: number
  damaged_count: number
  /** When damage was last found; null for none. */
  last_damaged_at: Date | null
  /**
   * The newest complete backup, without those from more than 5 minutes in the future. Of a source that
   * consists of several, the newest run that backed up all of them: sizes are those of all, the id is that of
   * the last.
   */
  last_complete: LastComplete | null
  /** When a backup without damage was last read completely and was right; also one that was erased since. */
  last_verified_at: Date | null
  /** When a drill last found no difference; also for a backup that was erased since. */
  last_drilled_at: Date | null
  /** When a backup or a backup job last failed; null for never, or when no record is left. */
  last_failed_at: Date | null
  /** The plain sizes of the newest complete backups or runs, as in `last_complete`: 6 at most. */
  recent_sizes: number[]
}

export interface LastComplete {
  backup_id: string
  created_at: Date
  completed_at: Date
  /** Plain bytes. */
  size: number
  /** Bytes as sent; null when unknown. */
  archive_size: number | null
  part_count: number | null
  /** From its row to its completion, in milliseconds. */
  duration_ms: number
  damaged_at: Date | null
  /** Files that the send left out, or that changed while they were read. */
  missing_files: number
}

interface Row extends Omit<SourceFacts, 'last_complete'> {
  backup_id: string | null
  created_at: Date
  completed_at: Date
  size: number
  archive_size: number | null
  part_count: number | null
  damaged_at: Date | null
  missing_files: number | null
}

/**
 * The facts of every source with a schedule or a backup that is not erased; by project, type and name. A
 * failure counts at the time in the history, but one older than the newest complete backup at its beginning:
 * reconcile may have recorded it long after. A job that failed before it had a backup counts for its source;
 * a cancelled job does not.
 */
export async function sourceFacts(database: Database): Promise<SourceFacts[]> {
  const { rows } = await sql<Row>`
    with present as (
      select project_id, type, source_name, ${SOURCE_KEY} as key,
             count(*) filter (where state <> 'erased') as count,
             count(*) filter (where state = 'complete') as complete_count,
             coalesce(sum(size) filter (where state = 'complete'), 0)::bigint as complete_size,
             coalesce(sum(archive_size) filter (where state = 'complete'), 0)::bigint as complete_archive_size,
             count(*) filter (where state = 'complete' and damaged_at is not null) as damaged_count,
             max(damaged_at) filter (where state = 'complete') as last_damaged_at,
             max(verified_at) filter (where completed_at is not null and damaged_at is null) as last_verified_at
        from control_plane.backups group by project_id, type, source_name
    ), scheduled as (
      select project_id, type, source as source_name, project_id || ' ' || type || ' ' || source as key,
             bool_or(enabled) as is_scheduled, min(created_at) filter (where enabled) as scheduled_since
        from control_plane.schedules group by project_id, type, source
    ), drilled as (
      select ${SOURCE_KEY} as key, max(drill.finished_at) as at
        from control_plane.verifications drill join control_plane.backups backup on backup.id = drill.backup_id
       where drill.kind = 'drill' and drill.state = 'sound' group by 1
    ), known as (
      select project_id, type, source_name, key from present where count > 0
       union
      select project_id, type, source_name, key from scheduled
    )
    select known.project_id, known.type, known.source_name,
           coalesce(scheduled.is_scheduled, false) as is_scheduled, scheduled.scheduled_since,
           coalesce(present.complete_count, 0) as complete_count, coalesce(present.complete_size, 0) as complete_size,
           coalesce(present.complete_archive_size, 0) as complete_archive_size,
           coalesce(present.damaged_count, 0) as damaged_count, present.last_damaged_at, present.last_verified_at,
           drilled.at as last_drilled_at,
           newest.id as backup_id, coalesce(run.created_at, newest.created_at) as created_at,
           coalesce(run.completed_at, newest.completed_at) as completed_at, coalesce(run.size, newest.size) as size,
           coalesce(run.archive_size, newest.archive_size) as archive_size,
           coalesce(run.part_count, newest.part_count) as part_count,
           coalesce(run.damaged_at, newest.damaged_at) as damaged_at,
           case when jsonb_typeof(newest.source -> 'skipped_count') = 'number'
                then (newest.source ->> 'skipped_count')::float8 else 0 end as missing_files,
           greatest(broken.at, job.at) as last_failed_at, recent.sizes as recent_sizes
      from known
      left join present on present.key = known.key
      left join drilled on drilled.key = known.key
      left join scheduled on scheduled.key = known.key
      left join lateral (
        select * from control_plane.backups
         where ${ofTheSource} and state = 'complete' and ${isPast} and ${standsForItsRun}
         order by created_at desc, id desc limit 1) newest on true
      left join lateral (
        select min(created_at) as created_at, max(completed_at) as completed_at, sum(size)::bigint as size,
               sum(archive_size)::bigint as archive_size, sum(part_count)::int as part_count, max(damaged_at) as damaged_at
          from control_plane.backups
         where group_id = newest.group_id and state = 'complete') run on newest.group_id is not null
      left join lateral (
        select case when failed.created_at < newest.created_at then failed.created_at
                    else coalesce(history.at, failed.created_at) end as at
          from (select id, created_at from control_plane.backups
                 where ${ofTheSource} and completed_at is null and ${hasFailed} and ${isNotCancelled}
                 order by created_at desc, id desc limit 1) failed
          left join lateral (
            select max(at) as at from control_plane.backup_history
             where backup_id = failed.id and event = 'failed') history on true) broken on true
      left join lateral (
        select max(finished_at) as at from (
          select finished_at from control_plane.jobs
           where source = known.source_name and project_id = known.project_id and kind = 'backup' and state = 'failed'
           order by created_at desc limit 1) newest_job) job on true
      cross join lateral (
        select coalesce(jsonb_agg(size), '[]') as sizes
          from (select ${sizeOfItsRun} as size from control_plane.backups
                 where ${ofTheSource} and state = 'complete' and ${isPast} and ${standsForItsRun}
                 order by created_at desc, id desc limit 6) six) recent
     order by known.project_id, known.type, known.source_name nulls first
  `.execute(database.kysely)
  return rows.map(factsOf)
}

// The terms of the indexes of migration 052.
const ofTheSource = sql`project_id = known.project_id and type = known.type
  and coalesce(source_name, '') = coalesce(known.source_name, '')`

// A backup that is resumed after a failure has not succeeded yet.
const hasFailed = sql`(state <> 'sending' or exists (
  select 1 from control_plane.backup_history where backup_id = backups.id and event = 'failed'))`

// A person who cancelled a job knows that there is no backup.
const isNotCancelled = sql`not exists (
  select 1 from control_plane.jobs where backup_id = backups.id and kind = 'backup' and state = 'cancelled')`

// A backup from tomorrow would stay the newest, and its source never be overdue.
const isPast = sql`created_at <= now() + interval '5 minutes'`

// The last backup of a run that backed up every member; a backup that belongs to no group is a run by itself.
const standsForItsRun = sql`(group_id is null or (
  (select count(distinct member) from control_plane.backups one
    where one.group_id = backups.group_id and one.completed_at is not null) >= group_size
  and not exists (
    select from control_plane.backups later
     where later.group_id = backups.group_id and later.state = 'complete'
       and (later.created_at, later.id) > (backups.created_at, backups.id))))`

// Without the case, a sum is begun for each backup.
const sizeOfItsRun = sql`(case when group_id is null then size else coalesce((
  select sum(size)::bigint from control_plane.backups one
   where one.group_id = backups.group_id and one.completed_at is not null), size) end)`

function factsOf(row: Row): SourceFacts {
  const {
    backup_id,
    created_at,
    completed_at,
    size,
    archive_size,
    part_count,
    damaged_at,
    missing_files,
    ...facts
  } = row
  if (backup_id === null) return { ...facts, last_complete: null }
  // The clock of the catalog, and that of another machine.
  const duration_ms = Math.max(0, completed_at.getTime() - created_at.getTime())
  const last_complete = {
    backup_id,
    created_at,
    completed_at,
    size,
    archive_size,
    part_count,
    duration_ms,
    damaged_at,
    missing_files: missing_files ?? 0,
  }
  return { ...facts, last_complete }
}
