import { sql } from 'kysely'
import type { Database } from '#database.ts'
import type { BackupType } from '#jobs/types.backup.ts'

/** When the backups of a source were made, or those of a project and type that were sent without one. */
export interface BackupTimes {
  project_id: string
  type: BackupType
  source_name: string | null
  /** Of a group; each member is a group of its own here. */
  member: string | null
  /** The newest backup of each of the newest hours that have one, newest first. Erased backups count too. */
  times: Date[]
}

/**
 * For each group at most `hours` hours, by the clocks of the machines that made the backups. Times after
 * `until` do not count.
 */
export async function listBackupTimes(
  database: Database,
  { hours, until }: { hours: number; until: Date },
): Promise<BackupTimes[]> {
  const { rows } = await sql<BackupTimes>`
    select project_id, type, source_name, member, array_agg(made_at order by made_at desc) as times
      from (select project_id, type, source_name, member, max(created_at) as made_at,
                   row_number() over (partition by project_id, type, source_name, member order by max(created_at) desc) as place
              from control_plane.backups
             where completed_at is not null and created_at <= ${until}
             group by project_id, type, source_name, member, date_trunc('hour', created_at)) hours
     where place <= ${hours}
     group by project_id, type, source_name, member
  `.execute(database.kysely)
  return rows
}

/**
 * For each complete backup that began more than `ms` after its `created_at`: when it began, by the clock of
 * the catalog. The other machine's clock was behind, or the backup waited for so long.
 */
export async function listLateBeginnings(database: Database, ms: number): Promise<Map<string, Date>> {
  const { rows } = await sql<{ id: string; begun_at: Date }>`
    select backup.id, min(history.at) as begun_at
      from control_plane.backups backup
      join control_plane.backup_history history on history.backup_id = backup.id and history.event = 'sending'
     where backup.state = 'complete'
     group by backup.id
    having min(history.at) > backup.created_at + ${ms} * interval '1 millisecond'
  `.execute(database.kysely)
  return new Map(rows.map(({ id, begun_at }) => [id, begun_at]))
}
