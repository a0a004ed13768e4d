import type { ColumnType, Generated } from 'kysely'
import type { JsonObject } from '#jobs/types.backup.ts'
import type { BucketKind, DoorScope } from '#objects/types.object.ts'

export interface ObjectBucketsTable {
  id: Generated<string>
  name: string
  kind: BucketKind
  project_id: string
  undelete_ms: Generated<number>
  replica: Generated<'wait' | 'later'>
  max_bytes: number | null
  snapshot_limit_hours: number | null
  next_sequence: Generated<number>
  purged_up_to: Generated<number>
  purged_through: Date | null
  live_objects: Generated<number>
  live_bytes: Generated<number>
  created_at: Generated<Date>
  last_snapshot_at: Date | null
  removed_at: Date | null
  removal_indexed_at: Date | null
  emptied_at: Date | null
  undeleting_to: Date | null
  undeleted_at: Date | null
}

export interface ObjectUploadsTable {
  id: string
  bucket_id: string
  key: string
  writer: string
  created_at: Generated<Date>
}

export interface ObjectCheckpointsTable {
  id: string
  bucket_id: string
  state: Generated<'intended' | 'sent' | 'replaced'>
  covers_up_to: number
  covers_not: Generated<number[]>
  part_count: number | null
  created_at: Generated<Date>
  sent_at: Date | null
  indexed_at: Date | null
}

export interface PacksTable {
  id: string
  bucket_id: string
  sequence: number
  state: Generated<'intended' | 'sent' | 'erasing' | 'erased'>
  checkpoint_id: string | null
  part_no: number | null
  upload_id: string | null
  writer: string
  file_name: string
  plain_size: number
  size: number
  sha256: string
  encrypted: boolean
  has_records: boolean
  named_by: string | null
  damaged_at: Date | null
  verified_at: Date | null
  intended_at: Generated<Date>
  sent_at: Date | null
  erased_at: Date | null
}

export interface PackMessagesTable {
  pack_id: string
  chat_id: string
  state: Generated<'intended' | 'sent' | 'missing' | 'damaged' | 'tombstone' | 'erased'>
  bot_id: string | null
  message_id: number | null
  file_id: string | null
  file_unique_id: string | null
  error: string | null
  intended_at: Generated<Date>
  sent_at: Date | null
  proven_at: Date | null
  erased_at: Date | null
}

export interface ObjectsTable {
  id: string
  bucket_id: string
  key: string
  state: Generated<'intended' | 'live' | 'deleted'>
  size: number
  sha256: string
  etag: string | null
  meta: ColumnType<JsonObject | null, string | null | undefined, string | null>
  in_chat: Generated<boolean>
  content: Buffer | null
  pack_id: string | null
  sequence: Generated<number>
  place: Generated<number>
  stored_at: Generated<Date>
  deleted_at: Date | null
  deleted_in: string | null
  moves: string | null
}

export interface ExtentsTable {
  object_id: string
  no: number
  pack_id: string
  pack_offset: number
  length: number
}

export interface DoorKeysTable {
  id: Generated<string>
  bucket_id: string
  user_name: string
  name: string
  scope: DoorScope
  key_hash: Buffer
  created_at: Generated<Date>
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}
