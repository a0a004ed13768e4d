import type { BackupType, JsonObject, PartKind, PartState, RecoveredTrust } from '#jobs/types.backup.ts'

/** A backup as a chat tells of it. Sizes are bytes, hashes SHA-256 in hex; what is not known is left out. */
export interface ImportedBackup {
  id: string
  projectId: string
  type: BackupType
  /** A complete one whose messages are not all there has `damagedAt`. */
  state: 'complete' | 'failed' | 'erasing'
  filename?: string | undefined
  caption?: string | undefined
  chatId: string
  botId?: string | undefined
  encrypted?: boolean | undefined
  createdAt: Date
  /** `createdAt` for a complete one of which nobody knows. */
  completedAt?: Date | undefined
  expiresAt?: Date | undefined
  size?: number | undefined
  archiveSize?: number | undefined
  plainSha256?: string | undefined
  archiveSha256?: string | undefined
  partCount?: number | undefined
  source?: JsonObject | undefined
  restoreCount?: number | undefined
  /** Which source, schedule and time it was made for. */
  sourceName?: string | undefined
  scheduleId?: string | undefined
  scheduledFor?: Date | undefined
  /** Somebody chose `expiresAt`. */
  expiryGiven?: boolean | undefined
  pinnedAt?: Date | undefined
  verifiedAt?: Date | undefined
  /** No index told of it: all of `restoreCount` to `verifiedAt` stays as an index had it that was read before. */
  isUnindexed?: boolean | undefined
  damagedAt?: Date | undefined
  /** Fingerprint of the key that signed the manifest. */
  signer?: string | undefined
  /** How far all this can be believed; null for a backup that was not read from a chat. */
  trust: RecoveredTrust | null
  /** Why it failed. */
  error?: string | undefined
  messages: readonly ImportedMessage[]
  /** Of its event in the history; `recovered` if left out. */
  event?: string | undefined
  /** What happened to it, as the index had it; kept in that event. */
  history?: readonly { event: string; at: string; count: number }[] | undefined
}

/** One message of it, in any chat. The manifest has part number 0. */
export interface ImportedMessage {
  chatId: string
  kind: PartKind
  partNumber: number
  /** sent needs a message id and a file id; missing is what is known to have been there. */
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
