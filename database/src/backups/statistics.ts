import { sql } from 'kysely'
import type { Database } from '#database.ts'
import { checkProjectId } from '#input-checks.ts'
import type { BackupStats, BackupType } from '#jobs/types.backup.ts'

/**
 * Counts the complete backups, of one project or of all; zeros for an unknown project. CatalogError INVALID
 * for a bad id.
 */
export async function getBackupStats(database: Database, projectId?: string): Promise<BackupStats> {
  if (projectId !== undefined) checkProjectId(projectId)
  const { rows } = await sql<TypeStats>`
    select type,
           count(*) as count,
           sum(size)::bigint as total_size,
           min(created_at) as oldest,
           max(created_at) as newest,
           count(*) filter (where expires_at > now() and expires_at <= now() + interval '168 hours') as expiring_soon,
           count(*) filter (where damaged_at is not null) as damaged,
           count(*) filter (where jsonb_typeof(source -> 'skipped_count') = 'number'
                              and source -> 'skipped_count' > '0'::jsonb) as with_missing_files
      from control_plane.backups
     where state = 'complete' and ${projectId === undefined ? sql`true` : sql`project_id = ${projectId}`}
     group by type
  `.execute(database.kysely)
  const stats: BackupStats = {
    total_backups: 0,
    total_size: 0,
    by_type: { database: 0, storage: 0, logs: 0 },
    oldest_backup: null,
    newest_backup: null,
    expiring_soon: 0,
    damaged: 0,
    with_missing_files: 0,
  }
  for (const row of rows) {
    stats.total_backups += row.count
    stats.total_size += row.total_size
    stats.by_type[row.type] = row.count
    stats.expiring_soon += row.expiring_soon
    stats.damaged += row.damaged
    stats.with_missing_files += row.with_missing_files
    if (!stats.oldest_backup || row.oldest < stats.oldest_backup) stats.oldest_backup = row.oldest
    if (!stats.newest_backup || row.newest > stats.newest_backup) stats.newest_backup = row.newest
  }
  return stats
}

interface TypeStats {
  type: BackupType
  count: number
  total_size: number
  oldest: Date
  newest: Date
  expiring_soon: number
  damaged: number
  with_missing_files: number
}
