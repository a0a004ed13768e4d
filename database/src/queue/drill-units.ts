import { type RawBuilder, sql } from 'kysely'
import type { MeasuredDrill } from '#backups/measured-drills.ts'
import type { Database } from '#database.ts'
import type { BackupType, Verification } from '#jobs/types.backup.ts'
import { type DrillWish, drillWishes, placeKey } from '#queue/drill-wishes.ts'

/**
 * What one drill proves: a source, or one member of its newest run, with its newest backup. Sizes are bytes.
 */
export interface DrillUnit {
  project_id: string
  type: BackupType
  source_name: string
  /** Of a source that consists of several; else null. */
  member: string | null
  /** The newest complete backup without damage. */
  backup_id: string
  size: number
  /** As sent; null when unknown. */
  archive_size: number | null
  /** Messages, the manifest included. */
  messages: number
  /** The kind of its source by its record; null without a record. */
  kind: string | null
  /** By that record; null for anything but a database. */
  database_size: number | null
  /** When its first backup was made, also one that was erased since. */
  first_complete_at: Date
  /** The time in which a serve wants a proof, in milliseconds, and since when one does; null: none does. */
  within_ms: number | null
  since: Date | null
  /** Why a drill that is due is not made now. */
  waits_for: string | null
  /** When a drill last found no difference, and how far it looked; also of a backup that was erased since. */
  proven_at: Date | null
  proven_depth: Verification['depth']
  /** The newest such drills that were measured, newest first; of their reports, the phases alone. */
  measured: MeasuredDrill[]
  /** The drill that ended last; null without any. */
  last_drill: { state: 'sound' | 'failed'; at: Date; code: string | null; error: string | null } | null
  /** When a drill was last asked for or begun. */
  tried_at: Date | null
  /** When a drill job of a backup that is there ended well; then a file had perhaps nothing to restore. */
  done_at: Date | null
  /** Why the last drill job failed, if no drill has ended well since. */
  failure: { code: string | null; message: string; at: Date } | null
  /** A drill job of it waits or runs. */
  is_drilling: boolean
  /** A backup of its source runs. */
  is_backing_up: boolean
}

type Row = Omit<DrillUnit, 'last_drill' | 'failure' | 'measured' | 'within_ms'> & {
  measured: (Omit<MeasuredDrill, 'at'> & { at: string })[] | null
  last_state: 'sound' | 'failed' | null
  last_at: Date
  last_code: string | null
  last_error: string | null
  failed_at: Date | null
  failed_code: string | null
  failed_message: string | null
}

/** As many as an estimate looks at. */
const MOST_MEASURED = 3

// A backup from tomorrow would stay the newest.
const isPast = sql`backup.created_at <= now() + interval '5 minutes'`

/**
 * What drills could prove now: of every source that has a complete backup without damage, by project, type,
 * source and member. A source without any is not here. An attempt that ended before it could show anything
 * (cancelled, interrupted, or the chat or the catalog was away) is not its last drill.
 */
// Materialized, or the planner joins the drills within the loop over the units.
export async function drillUnits({ kysely }: Pick<Database, 'kysely'>): Promise<DrillUnit[]> {
  const wishes = new Map((await drillWishes({ kysely })).map(wish => [placeKey(wish), wish]))
  const { rows } = await sql<Row>`
    with source as (
      select distinct project_id, type, source_name from control_plane.backups
       where state = 'complete' and source_name is not null
    ), newest as (
      select source.*, run.group_id from source
       cross join lateral (
         select group_id from control_plane.backups backup
          where ${ofThe('source')} order by created_at desc, id desc limit 1) run
    ), wanted as (
      select project_id, type, source_name, null as member from newest where group_id is null
       union all
      select distinct newest.project_id, newest.type, newest.source_name, one.member
        from newest join control_plane.backups one on one.group_id = newest.group_id where one.member is not null
    ), unit as materialized (
      select backup.*, ${UNIT_KEY} as key from wanted
       cross join lateral (
         select * from control_plane.backups backup
          where ${ofThe('wanted')} and damaged_at is null and backup.member is not distinct from wanted.member
          order by created_at desc, id desc limit 1) backup
    ), first as (
      select ${UNIT_KEY} as key, min(created_at) as at from control_plane.backups backup
       where source_name is not null and completed_at is not null group by 1
    ), drill as (
      select ${UNIT_KEY} as key, drill.id, drill.state, drill.code, drill.started_at, drill.finished_at, drill.backup_id, backup.size,
             coalesce(backup.archive_size, backup.size) as archive_size
        from control_plane.verifications drill join control_plane.backups backup on backup.id = drill.backup_id
       where drill.kind = 'drill' and backup.source_name is not null
    ), proof as (
      select distinct on (key) * from drill where state = 'sound' order by key, started_at desc
    ), measured as (
      select ranked.key, json_agg(json_build_object(
               'verification_id', ranked.id, 'backup_id', ranked.backup_id, 'at', ranked.finished_at,
               'report', json_build_object('phases', verification.report -> 'phases'),
               'size', ranked.size, 'archive_size', ranked.archive_size) order by ranked.finished_at desc) as list
        from (select drill.*, row_number() over (partition by key order by finished_at desc) as place
                from drill where state = 'sound') ranked
        join control_plane.verifications verification on verification.id = ranked.id
       where ranked.place <= ${MOST_MEASURED} group by ranked.key
    ), last as (
      select distinct on (key) key, id from drill
       where state in ('sound', 'failed') and finished_at is not null
         and (state = 'sound' or code is not null and not code = any(${SHOWS_NOTHING}::text[]))
       order by key, started_at desc
    ), last_begun as (
      select key, max(started_at) as at from drill group by key
    ), job as (
      select ${UNIT_KEY} as key, job.id, job.state, job.created_at, job.finished_at, job.error, backup.state as backup_state
        from control_plane.jobs job join control_plane.backups backup on backup.id = job.backup_id
       where job.kind = 'drill' and backup.source_name is not null and ${isNotRefused}
    ), last_job as (
      select key, max(created_at) as created_at,
             max(finished_at) filter (where state = 'done' and backup_state = 'complete') as done_at,
             bool_or(state in ('queued', 'running')) as is_open from job group by key
    ), failed as (
      select distinct on (job.key) job.key, job.id from job left join proof on proof.key = job.key
       where job.state = 'failed' and job.error is not null
         and job.finished_at > coalesce(proof.finished_at, '-infinity')
       order by job.key, job.created_at desc
    ), busy as (
      select project_id, source from control_plane.jobs
       where kind = 'backup' and state = 'running' and project_id is not null and source is not null
       union
      select sending.project_id, sending.source_name
        from control_plane.backups sending join control_plane.leases lease on lease.subject = sending.id
       where sending.state = 'sending' and sending.source_name is not null and lease.purpose = 'send'
         and lease.expires_at > clock_timestamp()
    )
    select unit.project_id, unit.type, unit.source_name, unit.member, unit.id as backup_id, unit.size,
           unit.archive_size, coalesce(unit.part_count, 0) + 1 as messages, unit.source ->> 'kind' as kind,
           case when jsonb_typeof(unit.source -> 'database_size') = 'number'
                then (unit.source ->> 'database_size')::float8 end as database_size,
           first.at as first_complete_at, plan.since, plan.waits_for,
           proof.finished_at as proven_at, proven.depth as proven_depth, measured.list as measured,
           ended.state as last_state, ended.finished_at as last_at,
           ended.code as last_code, ended.error as last_error,
           greatest(last_begun.at, last_job.created_at) as tried_at, failed_job.finished_at as failed_at,
           failed_job.error_code as failed_code, failed_job.error as failed_message, last_job.done_at,
           coalesce(last_job.is_open, false) as is_drilling,
           (unit.project_id, unit.source_name) in (select project_id, source from busy) as is_backing_up
      from unit
      left join control_plane.drill_plans plan on plan.project_id = unit.project_id and plan.type = unit.type
           and plan.source = unit.source_name
      left join first on first.key = unit.key
      left join proof on proof.key = unit.key
      left join control_plane.verifications proven on proven.id = proof.id
      left join measured on measured.key = unit.key
      left join last on last.key = unit.key
      left join control_plane.verifications ended on ended.id = last.id
      left join last_begun on last_begun.key = unit.key
      left join last_job on last_job.key = unit.key
      left join failed on failed.key = unit.key
      left join control_plane.jobs failed_job on failed_job.id = failed.id
     order by unit.project_id, unit.type, unit.source_name, unit.member nulls first
  `.execute(kysely)
  return rows.map(row => unitOf(row, wishes.get(placeKey(row))))
}

/** Codes of ends that say nothing about the backup or the place of its drill. */
export const SHOWS_NOTHING: readonly string[] = [
  ...['CANCELLED', 'BUSY', 'LEASE_LOST', 'UNREACHABLE', 'ANSWER_LOST', 'CATALOG', 'REFUSED', 'UNPROVEN'],
  ...['NOT_FOUND', 'NOT_ALLOWED', 'FORBIDDEN'],
]

// Whoever asked might not: that says nothing about a backup, and puts off no drill.
const isNotRefused = sql`(job.state <> 'failed' or job.error_code is distinct from 'FORBIDDEN')`

// The terms of an index of migration 052.
function ofThe(table: string): RawBuilder<boolean> {
  const of = sql.ref(table)
  return sql`backup.project_id = ${of}.project_id and backup.type = ${of}.type
    and coalesce(backup.source_name, '') = coalesce(${of}.source_name, '') and backup.state = 'complete' and ${isPast}`
}

// No name of a source contains a line feed.
const UNIT_KEY = sql`(backup.project_id || ' ' || backup.type || ' ' || backup.source_name || chr(10)
  || coalesce(backup.member, '')) collate "C"`

function unitOf(row: Row, wish: DrillWish | undefined): DrillUnit {
  const { last_state, last_at, last_code, last_error, failed_at, failed_code, failed_message, ...unit } = row
  return {
    ...unit,
    within_ms: wish?.within_ms ?? null,
    measured: (row.measured ?? []).map(one => ({ ...one, at: new Date(one.at) })),
    last_drill:
      last_state === null ? null : { state: last_state, at: last_at, code: last_code, error: last_error },
    failure: failed_at === null ? null : { code: failed_code, message: failed_message ?? '', at: failed_at },
  }
}
