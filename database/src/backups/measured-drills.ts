import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { checkCount } from '#input-checks.ts'
import type { Backup, JsonObject } from '#jobs/types.backup.ts'

/** A drill that restored a backup, found no difference, and measured how long it took. Sizes are bytes. */
export interface MeasuredDrill {
  verification_id: string
  backup_id: string
  at: Date
  report: JsonObject
  archive_size: number
  size: number
}

/** The newest drills of backups of the same source and member, newest first, at most `limit`. */
export async function measuredDrills(
  { kysely }: Pick<Database, 'kysely'>,
  of: Pick<Backup, 'project_id' | 'type' | 'source_name' | 'member'>,
  { limit }: { limit: number },
): Promise<MeasuredDrill[]> {
  checkCount('limit', limit, 1)
  const { rows } = await sql<MeasuredDrill>`
    select drill.id as verification_id, backup.id as backup_id, drill.finished_at as at, drill.report,
           coalesce(backup.archive_size, backup.size) as archive_size, backup.size
      from control_plane.verifications drill join control_plane.backups backup on backup.id = drill.backup_id
     where drill.kind = 'drill' and drill.state = 'sound' and drill.report ? 'phases'
       and backup.project_id = ${of.project_id} and backup.type = ${of.type}
       and backup.source_name is not distinct from ${of.source_name}
       and backup.member is not distinct from ${of.member}
     order by drill.finished_at desc limit ${limit}
  `.execute(kysely)
  return rows
}
