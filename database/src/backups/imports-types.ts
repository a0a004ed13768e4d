import type { BackupType, JsonObject, PartKind, PartState, RecoveredTrust } from '#jobs/types.backup.ts'

/** A backup as a chat describes it. Sizes in bytes, hashes SHA-256 in hex; what is not known is left out. */
export interface ImportedBackup {
  id: string
  projectId: string
  type: BackupType
  /** A complete backup that lacks messages has `damagedAt`. */
  state: 'complete' | 'failed' | 'erasing'
  filename?: string | undefined
  caption?: string | undefined
  chatId: string
  botId?: string | undefined
  encrypted?: boolean | undefined
  createdAt: Date
  /** `createdAt` for a complete backup whose time of completion is not known. */
  completedAt?: Date | undefined
  expiresAt?: Date | undefined
  size?: number | undefined
  archiveSize?: number | undefined
  plainSha256?: string | undefined
  archiveSha256?: string | undefined
  partCount?: number | undefined
  source?: JsonObject | undefined
  restoreCount?: number | undefined
  /** The source, schedule and time that it was made for. */
  sourceName?: string | undefined
  tags?: readonly string[] | undefined
  scheduleId?: string | undefined
  scheduledFor?: Date | undefined
  expiryGiven?: boolean | undefined
  pinnedAt?: Date | undefined
  verifiedAt?: Date | undefined
  /**
   * No index names it: `restoreCount` to `verifiedAt` stay as an earlier index had them. A source and tags
   * that no index had are taken as they were when it was sent.
   */
  isUnindexed?: boolean | undefined
  damagedAt?: Date | undefined
  /** Fingerprint of the key that signed the manifest. */
  signer?: string | undefined
  /** How far these facts can be believed; null for a backup that was not read from a chat. */
  trust: RecoveredTrust | null
  error?: string | undefined
  messages: readonly ImportedMessage[]
  /** The name of its event in the history. Default: `recovered`. */
  event?: string | undefined
  /** Its history in the index; kept in that event. */
  history?: readonly { event: string; at: string; count: number }[] | undefined
}

/** One message of a backup, in any chat. The manifest has part number 0. */
export interface ImportedMessage {
  chatId: string
  kind: PartKind
  partNumber: number
  /** `sent` needs a message id and a file id; `missing` was once in the chat. */
  state: PartState
  messageId?: number | undefined
  botId?: string | undefined
  fileId?: string | undefined
  fileUniqueId?: string | undefined
  fileName: string
  size: number
  sha256: string
  plainOffset?: number | undefined
  plainSize?: number | undefined
  plainSha256?: string | undefined
  sentAt?: Date | undefined
  error?: string | undefined
}
