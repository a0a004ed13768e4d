import type { ColumnType, Generated } from 'kysely'
import type { AuditEntry } from '#audit/types.audit.ts'
import type {
  BackupHistoryTable,
  BackupPartsTable,
  BackupsTable,
  EvidenceMessagesTable,
  EvidenceTable,
  RestoresTable,
  VerificationsTable,
} from '#backup-tables.ts'
import type { BackupType, JsonObject } from '#jobs/types.backup.ts'
import type { Job, KeepPolicy, Schedule } from '#jobs/types.job.ts'
import type { ApiKey } from '#keys/types.key.ts'
import type { Holder, LeasePurpose } from '#leases/holder.ts'
import type { NoticeChannel, RecordedAlert } from '#monitoring/types.alert.ts'
import type {
  DoorKeysTable,
  ExtentsTable,
  ObjectBucketsTable,
  ObjectCheckpointsTable,
  ObjectsTable,
  ObjectUploadsTable,
  PackMessagesTable,
  PacksTable,
} from '#objects/object-tables.ts'
import type {
  IdentitiesTable,
  PasskeysTable,
  PeopleTable,
  SessionsTable,
  SignInChallengesTable,
  SignInLinksTable,
} from '#people/people-tables.ts'
import type { DeclaredSource, DeclaredTarget, SourceCheck } from '#queue/types.service.ts'

/** The tables of schema `control_plane`, as Kysely sees them. The SQL in migrations/ decides. */
export interface CatalogSchema {
  catalog: CatalogTable
  projects: { id: string; created_at: Generated<Date> }
  jobs: JobsTable
  hook_runs: { id: Generated<string>; source: string; hostname: string; begun_at: Generated<Date> }
  job_log: {
    id: Generated<number>
    job_id: string
    at: Generated<Date>
    stage: string
    level: 'info' | 'warn' | 'error'
    text: string
  }
  further_idempotency_keys: { api_key_id: string; idempotency_key: string; job_id: string }
  backups: BackupsTable
  backup_parts: BackupPartsTable
  backup_history: BackupHistoryTable
  restores: RestoresTable
  leases: LeasesTable
  chats: ChatsTable
  open_sends: OpenSendsTable
  remnants: {
    chat_id: string
    message_id: number
    is_tombstone: Generated<boolean>
    is_unsure: Generated<boolean>
    tries: Generated<number>
    next_try_at: Generated<Date>
  }
  object_buckets: ObjectBucketsTable
  object_uploads: ObjectUploadsTable
  object_checkpoints: ObjectCheckpointsTable
  packs: PacksTable
  pack_messages: PackMessagesTable
  objects: ObjectsTable
  extents: ExtentsTable
  door_keys: DoorKeysTable
  schedules: SchedulesTable
  source_policies: {
    project_id: string
    type: BackupType
    source: string
    keep: ColumnType<KeepPolicy, string, string>
    updated_at: Generated<Date>
  }
  retention_policies: {
    project_id: string
    type: BackupType
    keep: ColumnType<KeepPolicy, string, string>
    updated_at: Generated<Date>
  }
  verifications: VerificationsTable
  api_keys: ApiKeysTable
  people: PeopleTable
  sign_in_links: SignInLinksTable
  sessions: SessionsTable
  passkeys: PasskeysTable
  sign_in_challenges: SignInChallengesTable
  identities: IdentitiesTable
  audit: Omit<AuditEntry, 'id' | 'at' | 'details'> & {
    id: Generated<number>
    at: Generated<Date>
    details: ColumnType<JsonObject, string | undefined, never>
  }
  alerts: AlertsTable
  ended_alerts: Omit<RecordedAlert, 'details' | 'ended_at'> & {
    details: ColumnType<JsonObject, string, never>
    ended_at: Generated<Date>
  }
  notices: NoticesTable
  retention_notices: {
    backup_id: string
    kind: 'erase' | 'word'
    told_at: Generated<Date>
    notice_id: number | null
  }
  services: ServicesTable
  drill_plans: {
    project_id: string
    type: BackupType
    source: string
    since: Generated<Date>
    waits_for: Generated<string | null>
  }
  source_checks: Replace<SourceCheck, { checked_at: Generated<Date> }>
  evidence: EvidenceTable
  evidence_messages: EvidenceMessagesTable
  sealed_manifests: { backup_id: string; document: Buffer; sealed_at: Generated<Date> }
}

interface CatalogTable {
  id: string
  generation: number
  recovering: Generated<boolean>
  created_at: Date
}

/** The columns of a table: those of its rows, some with another type for inserts and updates. */
type Replace<Row, Columns> = Omit<Row, keyof Columns> & Columns

type JobsTable = Replace<Job, JobsColumns>

interface JobsColumns {
  id: Generated<string>
  state: Generated<Job['state']>
  options: ColumnType<JsonObject, string | undefined, never>
  progress: ColumnType<JsonObject | null, string | undefined, string>
  actor: Generated<string>
  attempt: Generated<number>
  tries: Generated<Job['tries']>
  run_after: ColumnType<Date, Date | undefined, Date>
  worker: ColumnType<string | null, undefined, string>
  cancel_requested_at: ColumnType<Date | null, undefined, Date>
  error: ColumnType<string | null, undefined, string | null>
  error_code: ColumnType<string | null, undefined, string | null>
  error_hint: ColumnType<string | null, undefined, string | null>
  /** Counted by a trigger. */
  version: ColumnType<number, never, never>
  api_key_id: string | null
  idempotency_key: string | null
  created_at: Generated<Date>
  started_at: ColumnType<Date | null, undefined, Date>
  finished_at: ColumnType<Date | null, undefined, Date>
}

interface ServicesTable extends Holder {
  id: string
  sources: string[]
  targets: string[]
  drills: Generated<boolean>
  edition: string | null
  declared_sources: ColumnType<DeclaredSource[], string, string>
  declared_targets: ColumnType<DeclaredTarget[], string, string>
  kept_for: ColumnType<unknown, string, string>
  url: string | null
  seen_at: Generated<Date>
}

type SchedulesTable = Replace<Schedule, SchedulesColumns>

interface SchedulesColumns {
  id: Generated<string>
  enabled: Generated<boolean>
  keep: ColumnType<KeepPolicy | null, string | null, string | null>
  jitter_seconds: Generated<number>
  catch_up: Generated<Schedule['catch_up']>
  last_fired_for: ColumnType<Date | null, undefined, Date>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

interface ApiKeysTable extends Omit<ApiKey, 'id' | 'created_at' | 'last_used_at' | 'revoked_at'> {
  id: Generated<string>
  key_hash: Buffer
  created_at: Generated<Date>
  last_used_at: ColumnType<Date | null, undefined, Date>
  revoked_at: ColumnType<Date | null, undefined, Date>
}

interface AlertsTable {
  id: Generated<string>
  key: string
  kind: string
  details: ColumnType<JsonObject, string | undefined, string>
  since: Generated<Date>
  told_at: ColumnType<Date | null, undefined, Date>
  seen_at: ColumnType<Date, undefined, Date>
  newest_at: Date | null
  raised_at: ColumnType<Date, undefined, Date>
  muted_until: Date | null
  muted_by: string | null
  announced: Generated<boolean>
}

interface NoticesTable {
  id: Generated<number>
  channel: NoticeChannel
  alert_key: string | null
  notice: ColumnType<JsonObject, string, never>
  tries: Generated<number>
  refusals: Generated<number>
  created_at: Generated<Date>
  next_try_at: Generated<Date>
  claimed_until: ColumnType<Date | null, undefined, Date | null>
  delivery_id: Generated<string>
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
  index_names: Generated<string[]>
}

interface OpenSendsTable {
  id: Generated<string>
  chat_id: string
  bot_id: string | null
  purpose: 'part' | 'manifest' | 'index' | 'copy' | 'evidence' | 'pack' | 'checkpoint'
  backup_id: string | null
  evidence_id: string | null
  pack_id: string | null
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
