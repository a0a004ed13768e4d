import { sql } from 'kysely'
import { SOURCE_KEY } from '#backups/source-key.ts'
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
  /** Of each member of the newest run that has a complete backup, by name; of any other source, one. */
  members: MemberProof[]
}

/** What proves one member of a source, or a source that has none. */
export interface MemberProof {
  member: string | null
  /** The newest drill that showed something, of a backup that is still complete. */
  last_drill: DrillFacts | null
  /** Whether a drill of such a backup, made at any time, found no difference. */
  is_drilled: boolean
  /** When such a backup without damage was last read completely, and when its messages were last found. */
  last_read_at: Date | null
  last_found_at: Date | null
}

interface DrillFacts {
  id: string
  backup_id: string
  finished_at: Date
  state: Verification['state']
  depth: Verification['depth']
  /** Restored, and not equal to the source. */
  differs: boolean
}

/** Of one member; those of a source follow each other. */
interface Row {
  project_id: string
  type: BackupType
  source_name: string | null
  good_id: string | null
  good_at: Date | null
  /** Of the newest runs, newest first. */
  times: string[]
  sizes: number[]
  /** Empty for a source without members; null where no member has a complete backup. */
  member: string | null
  last_read_at: Date | null
  last_found_at: Date | null
  is_drilled: boolean
  drill_id: string | null
  drill_backup_id: string
  drill_at: Date
  drill_state: DrillFacts['state']
  drill_depth: DrillFacts['depth']
  drill_differs: boolean
}

/** The facts of every source that has a complete backup. */
export async function proofFacts(database: Database): Promise<ProofFacts[]> {
  const { rows } = await sql<Row>`
    with complete as (
      select id, project_id, type, source_name, ${SOURCE_KEY} as key, coalesce(member, '') as member, created_at, size,
             damaged_at is null as is_sound, verified_at, group_id, group_size
        from control_plane.backups where state = 'complete' and created_at <= now() + interval '5 minutes'
    ), newest as (
      select distinct on (key) key, project_id, type, source_name, group_id from complete
       order by key, created_at desc, id desc
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
             to_json((array_agg(created_at order by created_at desc, id desc))[1:30]) as times,
             to_json((array_agg(size order by created_at desc, id desc))[1:30]) as sizes
        from runs group by key
    ), reads as (
      select key, member, max(verified_at) filter (where is_sound) as read_at,
             max(found.finished_at) filter (where is_sound) as found_at
        from complete left join control_plane.verifications found
             on found.backup_id = complete.id and found.kind = 'existence' and found.state = 'sound'
       group by key, member
    ), drills as (
      select key, member, (array_agg(drill.id order by drill.finished_at desc, drill.id))[1] as last_id,
             bool_or(drill.state = 'sound') as is_drilled
        from control_plane.verifications drill join complete on complete.id = drill.backup_id
       where drill.kind = 'drill' and drill.finished_at is not null
         and (drill.state = 'sound' or drill.code is not null and drill.code <> all (${SHOWS_NOTHING}::text[]))
       group by key, member
    ), wanted as (
      select key, '' as member from newest where group_id is null
       union
      select newest.key, one.member
        from newest join control_plane.backups one on one.group_id = newest.group_id where one.member is not null
    ), members as (
      select wanted.key, wanted.member, reads.read_at, reads.found_at, drills.is_drilled, drill.*
        from wanted
        join reads on reads.key = wanted.key and reads.member = wanted.member
        left join drills on drills.key = wanted.key and drills.member = wanted.member
        left join lateral (
          select id, backup_id, finished_at, state, depth, coalesce(report ->> 'state' = 'differs', false) as differs
            from control_plane.verifications where id = drills.last_id) drill on true
    )
    select newest.project_id, newest.type, newest.source_name, of_runs.good_id, of_runs.good_at,
           coalesce(of_runs.times, '[]') as times, coalesce(of_runs.sizes, '[]') as sizes,
           members.member, members.read_at as last_read_at, members.found_at as last_found_at,
           coalesce(members.is_drilled, false) as is_drilled, members.id as drill_id, members.backup_id as drill_backup_id,
           members.finished_at as drill_at, members.state as drill_state, members.depth as drill_depth,
           members.differs as drill_differs
      from newest
      left join members on members.key = newest.key
      left join of_runs on of_runs.key = newest.key
     order by newest.project_id, newest.type, newest.source_name nulls first, members.member
  `.execute(database.kysely)
  const sources = Map.groupBy(rows, ({ project_id, type, source_name }) =>
    JSON.stringify([project_id, type, source_name]),
  )
  return [...sources.values()].map(factsOf)
}

function factsOf(members: readonly Row[]): ProofFacts {
  const [{ project_id, type, source_name, good_id, good_at, times, sizes }] = members as readonly [Row]
  return {
    ...{ project_id, type, source_name },
    last_good: good_id === null || good_at === null ? null : { id: good_id, created_at: good_at },
    sizes: times.map((at, index) => ({ at: new Date(at), size: sizes[index] ?? 0 })).reverse(),
    members: members.flatMap(row => (row.member === null ? [] : [memberOf(row, row.member)])),
  }
}

function memberOf(row: Row, member: string): MemberProof {
  const { last_read_at, last_found_at, is_drilled, drill_id } = row
  return {
    ...{ member: member === '' ? null : member, is_drilled, last_read_at, last_found_at },
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
  }
}
