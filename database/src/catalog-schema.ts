import type { ColumnType, Generated } from 'kysely'
import type { Backup, BackupPart, JsonObject, PartKind, Restore } from '#jobs/types.backup.ts'
import type { Holder, LeasePurpose } from '#leases/holder.ts'

/** The tables of schema `control_plane`, as Kysely sees them. The SQL in migrations/ decides. */
export interface CatalogSchema {
  catalog: CatalogTable
  projects: { id: string; created_at: Generated<Date> }
  jobs: JobsTable
  backups: BackupsTable
  backup_parts: BackupPartsTable
  backup_history: BackupHistoryTable
  restores: RestoresTable
  leases: LeasesTable
  chats: ChatsTable
  open_sends: OpenSendsTable
  remnants: { chat_id: string; message_id: number; is_tombstone: Generated<boolean> }
  sealed_manifests: { backup_id: string; document: Buffer; sealed_at: Generated<Date> }
}

interface CatalogTable {
  id: string
  generation: number
  recovering: Generated<boolean>
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

interface LeasesTable extends Holder {
  subject: string
  purpose: LeasePurpose
  token: string
  taken_at: Generated<Date>
  expires_at: Date
}

interface ChatsTable {
  chat_id: string
  title: string | null
  newest_message_id: Generated<number>
  moved_to: string | null
  index_message_id: number | null
  index_file_id: string | null
  index_bot_id: string | null
  index_sha256: string | null
  index_edition: string | null
  index_content_sha256: string | null
  index_next_edition: string | null
}

interface OpenSendsTable {
  id: Generated<string>
  chat_id: string
  bot_id: string | null
  purpose: 'part' | 'manifest' | 'index' | 'copy'
  backup_id: string | null
  part_no: number | null
  source_message_id: number | null
  sha256: string | null
  size: number | null
  file_name: string | null
  plain_offset: number | null
  plain_size: number | null
  after_message_id: number
  begun_at: Generated<Date>
}

type Defaulted =
  | 'id'
  | 'size'
  | 'created_at'
  | 'expires_at'
  | 'restore_count'
  | 'state'
  | 'resumable'
  | 'recovered_trust'

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
