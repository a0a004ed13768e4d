import { sql } from 'kysely'
import type { MeasuredDrill } from '#backups/measured-drills.ts'
import { SOURCE_KEY } from '#backups/source-key.ts'
import type { Database } from '#database.ts'
import type { BackupType, JsonObject, Verification } from '#jobs/types.backup.ts'
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

interface Row extends Omit<DrillUnit, 'last_drill' | 'failure' | 'measured' | 'within_ms'> {
  last_state: 'sound' | 'failed' | null
  last_at: Date
  last_code: string | null
  last_error: string | null
  failed_at: Date | null
  failed_code: string | null
  failed_message: string | null
  /** Of each measured drill; the server takes several times as long for JSON. Null for none. */
  measured_ids: string[] | null
  measured_backups: string[]
  measured_times: Date[]
  measured_phases: (JsonObject | null)[]
  measured_sizes: number[]
  measured_archive_sizes: number[]
}

/** As many as an estimate looks at. */
const MOST_MEASURED = 3

// A backup from tomorrow would stay the newest.
const isPast = sql`created_at <= now() + interval '5 minutes'`

/**
 * What drills could prove now: of every source that has a complete backup without damage, by project, type,
 * source and member. A source without any is not here. An attempt that ended before it could show anything
 * (cancelled, interrupted, or the chat or the catalog was away) is not its last drill.
 */
// The table is read once: its rows are wide.
export async function drillUnits({ kysely }: Pick<Database, 'kysely'>): Promise<DrillUnit[]> {
  const wishes = new Map((await drillWishes({ kysely })).map(wish => [placeKey(wish), wish]))
  const { rows } = await sql<Row>`
    with known as materialized (
      select id, ${SOURCE_KEY} as source_key, member, ${UNIT_KEY} as key, state = 'complete' as is_there, ${isPast} as is_past,
             damaged_at is null as is_sound, completed_at, created_at, group_id, size, coalesce(archive_size, size) as archive_size
        from control_plane.backups where source_name is not null
    ), newest as (
      select distinct on (source_key) source_key, group_id from known where is_there and is_past
       order by source_key, created_at desc, id desc
    ), wanted as (
      select source_key || chr(10) as key from newest where group_id is null
       union
      select one.key from newest join known one on one.group_id = newest.group_id
       where one.source_key = newest.source_key and one.member is not null
    ), chosen as (
      select distinct on (known.key) known.key, known.id from wanted join known on known.key = wanted.key
       where known.is_there and known.is_past and known.is_sound
       order by known.key, known.created_at desc, known.id desc
    ), unit as (
      select backup.*, chosen.key from chosen join control_plane.backups backup on backup.id = chosen.id
    ), first as (
      select key, min(created_at) as at from known where completed_at is not null group by key
    ), drill as (
      select known.key, drill.id, drill.state, drill.code, drill.started_at, drill.finished_at, drill.backup_id, known.size,
             known.archive_size, case when drill.state = 'sound' then drill.depth end as depth,
             case when drill.state = 'sound' then drill.report -> 'phases' end as phases
        from control_plane.verifications drill join known on known.id = drill.backup_id where drill.kind = 'drill'
    ), proof as (
      select distinct on (key) * from drill where state = 'sound' order by key, started_at desc
    ), measured as (
      select key, array_agg(id order by finished_at desc) as ids, array_agg(backup_id order by finished_at desc) as backups,
             array_agg(finished_at order by finished_at desc) as times, array_agg(phases order by finished_at desc) as phases,
             array_agg(size::float8 order by finished_at desc) as sizes,
             array_agg(archive_size::float8 order by finished_at desc) as archive_sizes
        from (select drill.*, row_number() over (partition by key order by finished_at desc) as place
                from drill where state = 'sound') ranked
       where place <= ${MOST_MEASURED} group by key
    ), last as (
      select distinct on (key) key, id from drill
       where state in ('sound', 'failed') and finished_at is not null
         and (state = 'sound' or code is not null and not code = any(${SHOWS_NOTHING}::text[]))
       order by key, started_at desc
    ), last_begun as (
      select key, max(started_at) as at from drill group by key
    ), job as (
      select known.key, job.id, job.state, job.created_at, job.finished_at, job.error, known.is_there
        from control_plane.jobs job join known on known.id = job.backup_id where job.kind = 'drill' and ${isNotRefused}
    ), last_job as (
      select key, max(created_at) as created_at,
             max(finished_at) filter (where state = 'done' and is_there) as done_at,
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
           proof.finished_at as proven_at, proof.depth as proven_depth, measured.ids as measured_ids,
           measured.backups as measured_backups, measured.times as measured_times, measured.phases as measured_phases,
           measured.sizes as measured_sizes, measured.archive_sizes as measured_archive_sizes,
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

// No name of a source contains a line feed.
const UNIT_KEY = sql`(${SOURCE_KEY} || chr(10) || coalesce(member, ''))`

function unitOf(row: Row, wish: DrillWish | undefined): DrillUnit {
  const { last_state, last_at, last_code, last_error, failed_at, failed_code, failed_message, ...rest } = row
  const { measured_ids: ids, measured_backups, measured_times, measured_phases, ...others } = rest
  const { measured_sizes, measured_archive_sizes, ...unit } = others
  return {
    ...unit,
    within_ms: wish?.within_ms ?? null,
    measured: (ids ?? []).map((verification_id, at) => ({
      ...{ verification_id, backup_id: measured_backups[at] ?? '', at: measured_times[at] ?? last_at },
      ...{ report: { phases: measured_phases[at] ?? null } },
      ...{ size: measured_sizes[at] ?? 0, archive_size: measured_archive_sizes[at] ?? 0 },
    })),
    last_drill:
      last_state === null ? null : { state: last_state, at: last_at, code: last_code, error: last_error },
    failure: failed_at === null ? null : { code: failed_code, message: failed_message ?? '', at: failed_at },
  }
}
