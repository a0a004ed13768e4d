import { sql } from 'kysely'
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
export async function drillUnits({ kysely }: Pick<Database, 'kysely'>): Promise<DrillUnit[]> {
  const wishes = new Map((await drillWishes({ kysely })).map(wish => [placeKey(wish), wish]))
  const { rows } = await sql<Row>`
    with newest as (
      select distinct on (project_id, type, source_name) project_id, type, source_name, group_id
        from control_plane.backups backup
       where state = 'complete' and source_name is not null and ${isPast}
       order by project_id, type, source_name, created_at desc, id desc
    ), unit as (
      select distinct on (backup.project_id, backup.type, backup.source_name, backup.member) backup.*
        from control_plane.backups backup
        join newest on newest.project_id = backup.project_id and newest.type = backup.type
         and newest.source_name = backup.source_name
       where backup.state = 'complete' and backup.damaged_at is null and ${isPast}
         and case when newest.group_id is null then backup.member is null
                  else exists (select from control_plane.backups one
                                where one.group_id = newest.group_id and one.member = backup.member) end
       order by backup.project_id, backup.type, backup.source_name, backup.member, backup.created_at desc, backup.id desc
    )
    select unit.project_id, unit.type, unit.source_name, unit.member, unit.id as backup_id, unit.size,
           unit.archive_size, coalesce(unit.part_count, 0) + 1 as messages, unit.source ->> 'kind' as kind,
           case when jsonb_typeof(unit.source -> 'database_size') = 'number'
                then (unit.source ->> 'database_size')::float8 end as database_size,
           first.at as first_complete_at, plan.since, plan.waits_for,
           proof.finished_at as proven_at, proof.depth as proven_depth, measured.list as measured,
           last.state as last_state, last.finished_at as last_at, last.code as last_code, last.error as last_error,
           greatest(last_begun.at, last_job.created_at) as tried_at,
           failed_job.finished_at as failed_at, failed_job.error_code as failed_code, failed_job.error as failed_message,
           last_job.done_at, coalesce(last_job.is_open, false) as is_drilling,
           exists (select from control_plane.jobs
                    where kind = 'backup' and state = 'running' and source = unit.source_name
                      and project_id = unit.project_id)
             or exists (select from control_plane.backups sending
                          join control_plane.leases lease on lease.subject = sending.id
                         where sending.state = 'sending' and sending.project_id = unit.project_id
                           and sending.source_name = unit.source_name and lease.purpose = 'send'
                           and lease.expires_at > clock_timestamp()) as is_backing_up
      from unit
      left join control_plane.drill_plans plan on plan.project_id = unit.project_id and plan.type = unit.type
           and plan.source = unit.source_name
      cross join lateral (
        select min(created_at) as at from control_plane.backups backup
         where ${ofTheUnit} and completed_at is not null) first
      left join lateral (
        select drill.finished_at, drill.depth from ${drillsOfTheUnit}
           and drill.state = 'sound' order by drill.started_at desc limit 1) proof on true
      cross join lateral (
        select json_agg(one order by at desc) as list from (
          select drill.id as verification_id, backup.id as backup_id, drill.finished_at as at,
                 json_build_object('phases', drill.report -> 'phases') as report, backup.size,
                 coalesce(backup.archive_size, backup.size) as archive_size from ${drillsOfTheUnit}
             and drill.state = 'sound' and drill.report ? 'phases'
           order by drill.finished_at desc limit ${MOST_MEASURED}) one) measured
      left join lateral (
        select drill.state, drill.finished_at, drill.code, drill.error from ${drillsOfTheUnit}
           and drill.state in ('sound', 'failed') and drill.finished_at is not null
           and (drill.state = 'sound' or drill.code is not null and not drill.code = any(${SHOWS_NOTHING}::text[]))
         order by drill.started_at desc limit 1) last on true
      cross join lateral (select max(drill.started_at) as at from ${drillsOfTheUnit}) last_begun
      cross join lateral (
        select max(job.created_at) as created_at,
               max(job.finished_at) filter (where job.state = 'done' and backup.state = 'complete') as done_at,
               bool_or(job.state in ('queued', 'running')) as is_open from ${jobsOfTheUnit}) last_job
      left join lateral (
        select job.finished_at, job.error_code, job.error from ${jobsOfTheUnit}
           and job.state = 'failed' and job.error is not null
           and job.finished_at > coalesce(proof.finished_at, '-infinity')
         order by job.created_at desc limit 1) failed_job on true
     order by unit.project_id, unit.type, unit.source_name, unit.member nulls first
  `.execute(kysely)
  return rows.map(row => unitOf(row, wishes.get(placeKey(row))))
}

/** Codes of ends that say nothing about the backup or the place of its drill. */
export const SHOWS_NOTHING: readonly string[] = [
  ...['CANCELLED', 'BUSY', 'LEASE_LOST', 'UNREACHABLE', 'ANSWER_LOST', 'CATALOG', 'REFUSED', 'UNPROVEN'],
  ...['NOT_FOUND', 'NOT_ALLOWED', 'FORBIDDEN'],
]

const ofTheUnit = sql`backup.project_id = unit.project_id and backup.type = unit.type
  and backup.source_name = unit.source_name and backup.member is not distinct from unit.member`

const drillsOfTheUnit = sql`control_plane.verifications drill join control_plane.backups backup on backup.id = drill.backup_id
  where drill.kind = 'drill' and ${ofTheUnit}`

const jobsOfTheUnit = sql`control_plane.jobs job join control_plane.backups backup on backup.id = job.backup_id
  where job.kind = 'drill' and ${ofTheUnit}`

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
