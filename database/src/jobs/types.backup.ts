export type BackupType = 'database' | 'storage' | 'logs'

/** Every backup type, in the order in which statistics name them. */
export const BACKUP_TYPES: readonly BackupType[] = ['database', 'storage', 'logs']

/**
 * sending: its messages are being sent, or its run died · complete: manifest and all parts are proven ·
 * failed: the send failed; sent parts may still be in the chat · erasing: to be erased in the chat · erased:
 * gone from the chat. A damaged backup stays complete and has `damaged_at`.
 */
export type BackupState = 'sending' | 'complete' | 'failed' | 'erasing' | 'erased'

/** Every backup state, in the order of a backup's life. */
export const BACKUP_STATES: readonly BackupState[] = ['sending', 'complete', 'failed', 'erasing', 'erased']

/**
 * intended: written before the send, outcome unknown · sent: the message is proven · missing: not in the chat
 * · damaged: there, but not what was sent · tombstone: replaced, since it could not be deleted · erased:
 * deleted.
 */
export type PartState = 'intended' | 'sent' | 'missing' | 'damaged' | 'tombstone' | 'erased'

/** A message holds one part of the archive, or the manifest that lists the parts. */
export type PartKind = 'part' | 'manifest'

/**
 * running: begun, and not known to have ended · done: the target holds the backup · failed: it is as it was
 * before.
 */
export type RestoreState = 'running' | 'done' | 'failed'

export type JsonObject = { [name: string]: JsonValue }
type JsonValue = string | number | boolean | null | JsonValue[] | JsonObject

/** One backup. Sizes are bytes, ids UUIDs, hashes SHA-256 in hex. */
export interface Backup {
  id: string
  project_id: string
  type: BackupType
  /** The file id of the first part; null until the backup is complete. It belongs to one bot. */
  file_id: string | null
  /** Plain bytes, before compression; 0 until all its parts are in the chat. */
  size: number
  created_at: Date
  /** 30 days after `created_at` unless given. */
  expires_at: Date
  restore_count: number
  state: BackupState
  filename: string | null
  caption: string | null
  /** A number as text, or an @name. */
  chat_id: string | null
  bot_id: string | null
  encrypted: boolean | null
  /** Bytes of all parts as sent; the manifest does not count. */
  archive_size: number | null
  plain_sha256: string | null
  archive_sha256: string | null
  part_count: number | null
  /** Facts about the source, such as the server's version. Never a secret. */
  source: JsonObject | null
  error: string | null
  /** The time a schedule made this backup for. */
  scheduled_for: Date | null
  /** When verification found it damaged; null while nothing is known against it. */
  damaged_at: Date | null
  completed_at: Date | null
  /** Fingerprint of the key that signed the manifest. */
  signer: string | null
  /** A failed backup may continue where it stopped, since its source can be read again. */
  resumable: boolean
  /** How far a recovered backup is believed: see {@link RecoveredTrust}. Null for one made here. */
  recovered_trust: RecoveredTrust | null
  /** The source in telegram-backup.yaml; null for a send without one. */
  source_name: string | null
  schedule_id: string | null
  /** A person chose `expires_at`: then it decides, and no retention policy does. */
  expiry_given: boolean
  /** Since when retention leaves it alone; null for one that is not pinned. */
  pinned_at: Date | null
  /** When all its bytes were last read and were right. */
  verified_at: Date | null
  /** The backups of one run over a source that consists of several; null for a backup of a single source. */
  group_id: string | null
  /** How many members that run had to back up. */
  group_size: number | null
  /** The member that it is of: `globals`, or `database:` and its name. */
  member: string | null
  /** Words that people gave it; sorted. */
  tags: string[]
}

/** Where a backup comes from, beyond its project and type. */
export interface BackupOrigin {
  sourceName?: string | undefined
  tags?: readonly string[] | undefined
  scheduleId?: string | undefined
  /** The time that the schedule made it for. */
  scheduledFor?: Date | undefined
  /** The job that makes it; both rows are linked in one transaction. */
  jobId?: string | undefined
}

/** 0: only captions describe it · 1: signed by a key that no person named · 2: signed by a named key. */
export type RecoveredTrust = 0 | 1 | 2

/**
 * A backup that is already in the chat. `createBackup` refuses anything that breaks the ranges named in
 * {@link Backup}.
 */
export interface CreateBackupInput {
  id?: string | undefined
  project_id: string
  type: BackupType
  file_id: string
  size: number
  created_at?: Date | undefined
  /** Given, it decides, and no retention policy does. */
  expires_at?: Date | undefined
  filename?: string | undefined
  caption?: string | undefined
  chat_id?: string | undefined
  bot_id?: string | undefined
  encrypted?: boolean | undefined
  archive_size?: number | undefined
  plain_sha256?: string | undefined
  archive_sha256?: string | undefined
  part_count?: number | undefined
  source?: JsonObject | undefined
  scheduled_for?: Date | undefined
}

/** What may change afterwards. An absent field stays as it is. */
export interface UpdateBackupInput {
  /** Allowed steps: failed → sending (resumed), complete or failed → erasing, erasing → erased. */
  state?: BackupState | undefined
  file_id?: string | undefined
  /** Plain bytes. */
  size?: number | undefined
  bot_id?: string | undefined
  /** Given, it decides from now on, and no retention policy does. */
  expires_at?: Date | undefined
  restore_count?: number | undefined
  filename?: string | undefined
  caption?: string | null | undefined
  /** Null takes the finding back, after a repair. */
  damaged_at?: Date | null | undefined
}

/** One Telegram message of a backup. Sizes are bytes. */
export interface BackupPart {
  part_no: number
  chat_id: string
  message_id: number | null
  bot_id: string | null
  file_id: string | null
  file_unique_id: string | null
  file_name: string
  /** Bytes as sent. */
  size: number
  sha256: string
  /** Where its plain bytes begin in the backup, and how many they are. */
  plain_offset: number | null
  plain_size: number | null
  /** Hex, of its plain bytes. */
  plain_sha256: string | null
  state: PartState
  intended_at: Date
  sent_at: Date | null
  erased_at: Date | null
  error: string | null
}

/** One restore of a backup. Sizes are bytes. */
export interface Restore {
  id: string
  backup_id: string
  /** Where to, for people: a database or a folder, without secrets. */
  target: string
  /** A restore that stays running was killed; its target is as it was before. */
  state: RestoreState
  error: string | null
  /** Plain bytes that went into the target; null until it is done. */
  bytes: number | null
  actor: string
  started_at: Date
  finished_at: Date | null
}

/**
 * existence: every message was asked for · data: every byte was read · drill: it was restored for real, and
 * compared.
 */
export type VerificationKind = 'existence' | 'data' | 'drill'

/**
 * sound and damaged are results; failed: the verification could not be made, so nothing was found. A failed
 * drill may also mean that the restored data differs; then the findings say where.
 */
export type VerificationState = 'running' | 'sound' | 'damaged' | 'failed'

export interface Verification {
  id: string
  backup_id: string
  job_id: string | null
  kind: VerificationKind
  state: VerificationState
  /** The number of messages that were checked, and of bytes as sent that were read. */
  parts: number
  bytes: number
  findings: JsonObject[]
  /** Of a drill that restored the backup: what it has shown; null for other verifications. */
  depth: 'restored' | 'counts' | 'dump' | 'contents' | null
  /** Of such a drill: what was compared, what differs, and what was not covered. */
  report: JsonObject | null
  error: string | null
  /** Of that error; null for verifications of before. */
  code: string | null
  actor: string
  started_at: Date
  finished_at: Date | null
}

export interface BackupHistoryEntry {
  event: string
  at: Date
  actor: string
  details: JsonObject
}

/** A backup with everything known about it. */
export interface BackupDetails extends Backup {
  /** In order of part number; those in the backup's own chat first, copies in other chats after them. */
  parts: BackupPart[]
  /** The manifest in the backup's own chat; null while it has not been sent. `size` is in bytes as sent. */
  manifest: {
    message_id: number
    file_id: string
    /** The bot that the file id belongs to; null when unknown. */
    bot_id: string | null
    chat_id: string
    state: PartState
    size: number
    sha256: string
  } | null
  /** Oldest first. */
  history: BackupHistoryEntry[]
  /** The newest 20, newest first. */
  verifications: Verification[]
}

/** Complete backups, counted. Sizes are plain bytes. */
export interface BackupStats {
  total_backups: number
  total_size: number
  /** All three types are there, also with zero backups. */
  by_type: Record<BackupType, number>
  oldest_backup: Date | null
  newest_backup: Date | null
  /** How many expire within the next 7 days. */
  expiring_soon: number
  /** The number of damaged ones; the other numbers include them. */
  damaged: number
  /** The number of those with files that the send left out, or that changed while they were read. */
  with_missing_files: number
}
