import type { ColumnType, Generated } from 'kysely'
import type { Backup, BackupPart, JsonObject, PartKind, Restore, Verification } from '#jobs/types.backup.ts'

type Defaulted =
  | 'id'
  | 'size'
  | 'created_at'
  | 'expires_at'
  | 'restore_count'
  | 'state'
  | 'resumable'
  | 'recovered_trust'
  | 'source_name'
  | 'schedule_id'
  | 'expiry_given'
  | 'pinned_at'
  | 'verified_at'
  | 'group_id'
  | 'group_size'
  | 'member'
  | 'tags'

export type BackupsTable = Omit<Backup, Defaulted | 'source'> & {
  [Name in Defaulted]: ColumnType<Backup[Name], Backup[Name] | undefined, Backup[Name]>
} & { source: ColumnType<JsonObject | null, string | null, string | null> }

export type BackupPartsTable = Omit<BackupPart, 'state' | 'intended_at'> & {
  backup_id: string
  kind: PartKind
  state: Generated<BackupPart['state']>
  intended_at: Generated<Date>
}

export interface BackupHistoryTable {
  id: Generated<number>
  backup_id: string
  event: string
  details: ColumnType<JsonObject, string | undefined, never>
  actor: string
  at: Generated<Date>
}

export type RestoresTable = Omit<
  Restore,
  'id' | 'state' | 'started_at' | 'error' | 'bytes' | 'finished_at'
> & {
  id: Generated<string>
  state: Generated<Restore['state']>
  started_at: Generated<Date>
  error: ColumnType<string | null, string | undefined, string | null>
  bytes: ColumnType<number | null, number | undefined, number | null>
  finished_at: ColumnType<Date | null, Date | undefined, Date | null>
}

export interface VerificationsTable {
  id: Generated<string>
  backup_id: string
  job_id: string | null
  kind: Verification['kind']
  state: Generated<Verification['state']>
  parts: Generated<number>
  bytes: Generated<number>
  findings: ColumnType<JsonObject[], string | undefined, string>
  depth: ColumnType<Verification['depth'], Verification['depth'] | undefined, Verification['depth']>
  report: ColumnType<JsonObject | null, string | null | undefined, string | null>
  error: ColumnType<string | null, string | null | undefined, string | null>
  code: ColumnType<string | null, string | null | undefined, string | null>
  actor: string
  started_at: Generated<Date>
  finished_at: ColumnType<Date | null, Date | undefined, Date>
}

export interface EvidenceTable {
  id: string
  catalog_id: string
  number: number
  kind: 'drill' | 'review'
  at: Date
  project_id: string
  type: string
  source_name: string | null
  backup_id: string
  verification_id: string | null
  reviewed_id: string | null
  outcome: string | null
  sha256: string
  previous: string | null
  signer: string
  envelope: string
}

export interface EvidenceMessagesTable {
  evidence_id: string
  chat_id: string
  message_id: number
  bot_id: string | null
  file_id: string
  file_unique_id: string | null
  size: number
  sha256: string
  sent_at: Date | null
}
