import type { JsonObject } from '#jobs/types.backup.ts'

export type BucketKind = 'restic' | 's3'
export type DoorScope = 'read' | 'append' | 'full'

/** A store of objects for another backup program. Sizes in bytes. */
export interface Bucket {
  id: string
  /** 3 to 63 characters of `a-z0-9.-`; unique among buckets that were not removed. */
  name: string
  kind: BucketKind
  project_id: string
  /** How long a deleted object can be brought back. */
  undelete_ms: number
  /** Whether an answer to a write waits for the second chat. */
  replica: 'wait' | 'later'
  /** Most bytes of live objects; null: no limit. */
  max_bytes: number | null
  /** A notice is sent when the newest snapshot is older; null: never. */
  snapshot_limit_hours: number | null
  created_at: Date
  last_snapshot_at: Date | null
  removed_at: Date | null
  /** It is being taken back to this moment: until that has ended, its doors are closed. */
  undeleting_to: Date | null
}

/** A version of an object. */
export interface ObjectVersion {
  /** UUID of the version. */
  id: string
  bucket_id: string
  key: string
  state: 'intended' | 'live' | 'deleted'
  size: number
  /** Of its bytes, hex. */
  sha256: string
  etag: string | null
  meta: JsonObject | null
  /** False: in the catalog alone, such as restic's locks. */
  in_chat: boolean
  /** Where its `put` record stands: its pack and the sequence of that. Null and 0 in the catalog alone. */
  pack_id: string | null
  sequence: number
  stored_at: Date
  deleted_at: Date | null
}

/** A piece of an object: plain bytes of a pack. */
export interface ObjectExtent {
  packId: string
  /** In the plain bytes of all frames of the pack. */
  offset: number
  length: number
}

/** One message, or one in each chat, with objects of a bucket or a part of its checkpoint. Sizes in bytes. */
export interface Pack {
  id: string
  bucket_id: string
  /** From 1; the number of its records in the order of the bucket. */
  sequence: number
  state: 'intended' | 'sent' | 'erasing' | 'erased'
  /** Of a part of a checkpoint. */
  checkpoint_id: string | null
  part_no: number | null
  /** The version that it holds a fragment of. */
  upload_id: string | null
  /** Subject of the lease of the process that sent it. */
  writer: string
  file_name: string
  plain_size: number
  /** Of the document as sent. */
  size: number
  /** Of the document as sent, hex. */
  sha256: string
  encrypted: boolean
  /** Since when no chat can give it. */
  damaged_at: Date | null
  verified_at: Date | null
  intended_at: Date
  sent_at: Date | null
  messages: PackMessage[]
}

/** Where a pack is. */
export interface PackMessage {
  pack_id: string
  chat_id: string
  state: 'intended' | 'sent' | 'missing' | 'damaged' | 'tombstone' | 'erased'
  message_id: number | null
  /** Belongs to the bot `bot_id`. */
  file_id: string | null
  bot_id: string | null
  error: string | null
  /** By Telegram. */
  sent_at: Date | null
}

/** A key of a door, without the secret. */
export interface DoorKey {
  id: string
  bucket_id: string
  user_name: string
  name: string
  scope: DoorScope
  created_at: Date
  expires_at: Date | null
  last_used_at: Date | null
  revoked_at: Date | null
}
