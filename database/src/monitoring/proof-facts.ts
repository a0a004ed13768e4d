import { sql } from 'kysely'
import type { Database } from '#database.ts'
import type { BackupType, Verification } from '#jobs/types.backup.ts'
import { SHOWS_NOTHING } from '#queue/drill-units.ts'

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
  sizes: { at: string; size: number }[]
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
      select id, project_id, type, source_name, created_at, size, damaged_at is null as is_sound, verified_at,
             group_id, group_size, member
        from control_plane.backups where state = 'complete' and created_at <= now() + interval '5 minutes'
    ), runs as (
      select project_id, type, source_name, id, created_at, size, is_sound from complete where group_id is null
       union all
      select project_id, type, source_name, (array_agg(id order by created_at desc, id desc))[1], min(created_at),
             sum(size)::bigint, bool_and(is_sound)
        from complete where group_id is not null
       group by group_id, project_id, type, source_name having count(distinct member) >= max(group_size)
    ), numbered as (
      select runs.*, row_number() over (
               partition by project_id, type, source_name order by created_at desc, id desc) as place
        from runs
    ), of_runs as (
      select project_id, type, source_name,
             (array_agg(id order by place) filter (where is_sound))[1] as good_id,
             (array_agg(created_at order by place) filter (where is_sound))[1] as good_at,
             jsonb_agg(jsonb_build_object('at', created_at, 'size', size) order by place desc)
               filter (where place <= 30) as sizes
        from numbered group by project_id, type, source_name
    ), drills as (
      select distinct on (complete.project_id, complete.type, complete.source_name)
             complete.project_id, complete.type, complete.source_name, drill.*,
             bool_or(drill.state = 'sound') over (
               partition by complete.project_id, complete.type, complete.source_name) as is_drilled
        from control_plane.verifications drill join complete on complete.id = drill.backup_id
       where drill.kind = 'drill' and drill.finished_at is not null
         and (drill.state = 'sound' or drill.code is not null and drill.code <> all (${SHOWS_NOTHING}::text[]))
       order by complete.project_id, complete.type, complete.source_name, drill.finished_at desc, drill.id
    ), found as (
      select backup_id, max(finished_at) as at from control_plane.verifications
       where kind = 'existence' and state = 'sound' group by backup_id
    ), reads as (
      select project_id, type, source_name, max(verified_at) as read_at, max(found.at) as found_at
        from complete left join found on found.backup_id = complete.id
       where is_sound group by project_id, type, source_name
    ), known as (select distinct project_id, type, source_name from complete)
    select known.*, of_runs.good_id, of_runs.good_at, coalesce(of_runs.sizes, '[]') as sizes,
           drills.id as drill_id, drills.backup_id as drill_backup_id, drills.finished_at as drill_at,
           drills.state as drill_state, drills.depth as drill_depth,
           coalesce(drills.report ->> 'state' = 'differs', false) as drill_differs, drills.is_drilled,
           reads.read_at as last_read_at, reads.found_at as last_found_at
      from known
      left join of_runs on ${isOfKnown('of_runs')}
      left join drills on ${isOfKnown('drills')}
      left join reads on ${isOfKnown('reads')}
     order by known.project_id, known.type, known.source_name nulls first
  `.execute(database.kysely)
  return rows.map(factsOf)
}

/** Hashable on its first two terms, so that a thousand sources are joined in one pass. */
function isOfKnown(table: string): ReturnType<typeof sql> {
  const of = sql.ref(table)
  return sql`${of}.project_id = known.project_id and ${of}.type = known.type
    and coalesce(${of}.source_name, '') = coalesce(known.source_name, '')`
}

function factsOf(row: Row): ProofFacts {
  const { good_id, good_at, drill_id } = row
  return {
    project_id: row.project_id,
    type: row.type,
    source_name: row.source_name,
    last_good: good_id === null || good_at === null ? null : { id: good_id, created_at: good_at },
    sizes: row.sizes.map(({ at, size }) => ({ at: new Date(at), size })),
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
