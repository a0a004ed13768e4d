import { sql } from 'kysely'
import type { Database } from '#database.ts'
import type { BackupType, Verification } from '#jobs/types.backup.ts'
import { SHOWS_NOTHING } from '#monitoring/drill-facts.ts'
import { SOURCE_KEY } from '#monitoring/source-key.ts'

/**
 * What a restore of a source could use now. A run is a backup, or the backups of all members of a source that
 * consists of several. A good run is complete, and nothing in it is known to be damaged. Backups from more
 * than 5 minutes in the future do not count, as in `sourceFacts`.
 */
export interface ProofFacts {
  project_id: string
  type: BackupType
  source_name: string | null
  /** The newest good run, by its last backup. */
  last_good: { id: string; created_at: Date } | null
  /** Plain bytes of the newest runs, oldest first: 30 at most. */
  sizes: { at: Date; size: number }[]
  /** The newest drill that showed something, of a backup that is still complete. */
  last_drill: DrillFacts | null
  /** Whether a drill of such a backup, made at any time, found no difference. */
  is_drilled: boolean
  /** When such a backup without damage was last read completely, and when its messages were last found. */
  last_read_at: Date | null
  last_found_at: Date | null
}

export interface DrillFacts {
  id: string
  backup_id: string
  finished_at: Date
  state: Verification['state']
  depth: Verification['depth']
  /** Restored, and not equal to the source. */
  differs: boolean
}

interface Row {
  project_id: string
  type: BackupType
  source_name: string | null
  good_id: string | null
  good_at: Date | null
  /** Of the newest runs, newest first. */
  times: string[]
  sizes: number[]
  drill_id: string | null
  drill_backup_id: string
  drill_at: Date
  drill_state: DrillFacts['state']
  drill_depth: DrillFacts['depth']
  drill_differs: boolean
  is_drilled: boolean | null
  last_read_at: Date | null
  last_found_at: Date | null
}

/** The facts of every source that has a complete backup. */
export async function proofFacts(database: Database): Promise<ProofFacts[]> {
  const { rows } = await sql<Row>`
    with complete as (
      select id, project_id, type, source_name, ${SOURCE_KEY} as key, created_at, size, damaged_at is null as is_sound,
             verified_at, group_id, group_size, member
        from control_plane.backups where state = 'complete' and created_at <= now() + interval '5 minutes'
    ), runs as (
      select key, id, created_at, size, is_sound from complete where group_id is null
       union all
      select key, (array_agg(id order by created_at desc, id desc))[1], min(created_at), sum(size)::bigint, bool_and(is_sound)
        from complete where group_id is not null
       group by group_id, key having count(distinct member) >= max(group_size)
    ), of_runs as (
      select key,
             (array_agg(id order by created_at desc, id desc) filter (where is_sound))[1] as good_id,
             (array_agg(created_at order by created_at desc, id desc) filter (where is_sound))[1] as good_at,
             to_jsonb((array_agg(created_at order by created_at desc, id desc))[1:30]) as times,
             to_jsonb((array_agg(size order by created_at desc, id desc))[1:30]) as sizes
        from runs group by key
    ), drills as (
      select key, (array_agg(drill.id order by drill.finished_at desc, drill.id))[1] as id,
             bool_or(drill.state = 'sound') as is_drilled
        from control_plane.verifications drill join complete on complete.id = drill.backup_id
       where drill.kind = 'drill' and drill.finished_at is not null
         and (drill.state = 'sound' or drill.code is not null and drill.code <> all (${SHOWS_NOTHING}::text[]))
       group by key
    ), found as (
      select backup_id, max(finished_at) as at from control_plane.verifications
       where kind = 'existence' and state = 'sound' group by backup_id
    ), reads as (
      select key, max(verified_at) as read_at, max(found.at) as found_at
        from complete left join found on found.backup_id = complete.id
       where is_sound group by key
    ), known as (
      select key, min(project_id) as project_id, min(type) as type, min(source_name) as source_name
        from complete group by key
    )
    select known.project_id, known.type, known.source_name, of_runs.good_id, of_runs.good_at,
           coalesce(of_runs.times, '[]') as times, coalesce(of_runs.sizes, '[]') as sizes,
           drill.id as drill_id, drill.backup_id as drill_backup_id, drill.finished_at as drill_at,
           drill.state as drill_state, drill.depth as drill_depth,
           coalesce(drill.report ->> 'state' = 'differs', false) as drill_differs, drills.is_drilled,
           reads.read_at as last_read_at, reads.found_at as last_found_at
      from known
      left join of_runs on of_runs.key = known.key
      left join drills on drills.key = known.key
      left join control_plane.verifications drill on drill.id = drills.id
      left join reads on reads.key = known.key
     order by known.project_id, known.type, known.source_name nulls first
  `.execute(database.kysely)
  return rows.map(factsOf)
}

function factsOf(row: Row): ProofFacts {
  const { good_id, good_at, drill_id } = row
  return {
    project_id: row.project_id,
    type: row.type,
    source_name: row.source_name,
    last_good: good_id === null || good_at === null ? null : { id: good_id, created_at: good_at },
    sizes: row.times.map((at, index) => ({ at: new Date(at), size: row.sizes[index] ?? 0 })).reverse(),
    last_drill:
      drill_id === null
        ? null
        : {
            id: drill_id,
            backup_id: row.drill_backup_id,
            finished_at: row.drill_at,
            state: row.drill_state,
            depth: row.drill_depth,
            differs: row.drill_differs,
          },
    is_drilled: row.is_drilled ?? false,
    last_read_at: row.last_read_at,
    last_found_at: row.last_found_at,
  }
}
