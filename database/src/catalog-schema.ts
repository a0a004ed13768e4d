import type { ColumnType, Generated } from 'kysely'
import type { Backup, BackupPart, JsonObject, PartKind, Restore } from '#jobs/types.backup.ts'

/** The tables of schema `control_plane`, as Kysely sees them. The SQL in migrations/ decides. */
export interface CatalogSchema {
  catalog: CatalogTable
  projects: { id: string; created_at: Generated<Date> }
  jobs: JobsTable
  backups: BackupsTable
  backup_parts: BackupPartsTable
  backup_history: BackupHistoryTable
  restores: RestoresTable
}

interface CatalogTable {
  id: string
  generation: number
  created_at: Date
}

interface JobsTable {
  id: Generated<string>
  project_id: string | null
  backup_id: string | null
  kind: string
  state: Generated<'queued' | 'running' | 'done' | 'failed' | 'cancelled'>
  progress: ColumnType<JsonObject | null, string | null, string | null>
  error: string | null
  created_at: Generated<Date>
  started_at: Date | null
  finished_at: Date | null
}

type Defaulted = 'id' | 'size' | 'created_at' | 'expires_at' | 'restore_count' | 'state'

type BackupsTable = Omit<Backup, Defaulted | 'source'> & {
  [Name in Defaulted]: ColumnType<Backup[Name], Backup[Name] | undefined, Backup[Name]>
} & { source: ColumnType<JsonObject | null, string | null, string | null> }

type BackupPartsTable = Omit<BackupPart, 'state' | 'intended_at'> & {
  backup_id: string
  kind: PartKind
  state: Generated<BackupPart['state']>
  intended_at: Generated<Date>
}

interface BackupHistoryTable {
  id: Generated<number>
  backup_id: string
  event: string
  details: ColumnType<JsonObject, string | undefined, never>
  actor: string
  at: Generated<Date>
}

type RestoresTable = Omit<Restore, 'id' | 'state' | 'started_at' | 'error' | 'bytes' | 'finished_at'> & {
  id: Generated<string>
  state: Generated<Restore['state']>
  started_at: Generated<Date>
  error: ColumnType<string | null, string | undefined, string | null>
  bytes: ColumnType<number | null, number | undefined, number | null>
  finished_at: ColumnType<Date | null, Date | undefined, Date | null>
}
