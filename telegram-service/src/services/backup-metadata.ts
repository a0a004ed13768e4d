import type { CallWait } from '#bot-api/call-policy.ts'

/** What is backed up; the specification's three types. */
export const BackupType = { DATABASE: 'database', STORAGE: 'storage', LOGS: 'logs' } as const
export type BackupType = (typeof BackupType)[keyof typeof BackupType]

/** What JSON can hold. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/** What is known of a source, for the record and the manifest. No secrets: whoever has the key can read it. */
export type SourceFacts = Record<string, JsonValue>

/** One message of a backup as the chat proved it. */
export interface SentMessage {
  messageId: number
  /** Valid for the bot that sent it. */
  fileId: string
  fileUniqueId: string
  fileName: string
  /** Bytes of the document as sent. */
  size: number
  /** Of the document, hex. */
  sha256: string
  sentAt: Date
}

export interface SentPart extends SentMessage {
  /** From 1. */
  number: number
  /** Where this part's plain bytes begin, and how many they are. */
  plainOffset: number
  plainSize: number
}

/** A backup that is whole in the chat. The first seven fields are the specification's. */
export interface BackupMetadata {
  id: string
  projectId: string
  type: BackupType
  /** Unique; see `file-names.ts`. */
  filename: string
  /** The first part's. */
  fileId: string
  /** Plain bytes. */
  size: number
  createdAt: Date

  /** Details that a service of another make may leave out. */
  chatId?: string
  botId?: string
  caption?: string
  encrypted?: boolean
  /** Bytes of all parts as sent. */
  archiveSize?: number
  plainSha256?: string
  /** Of all parts joined, hex. */
  archiveSha256?: string
  completedAt?: Date
  expiresAt?: Date
  parts?: SentPart[]
  manifest?: SentMessage
  /** Fingerprint of the key that signed the manifest. */
  signer?: string
  source?: SourceFacts
}

/**
 * What became of a send. On failure `error` says why, and nothing of the backup is left in the chat but what
 * `leftInChat` counts.
 */
export interface BackupSendResult {
  success: boolean
  metadata?: BackupMetadata
  error?: string
  /** The error itself, with `code` and `hint`. */
  cause?: unknown
  /** Messages of a failed send that may be in the chat: they could not be erased yet, or nobody knows whether they were made. */
  leftInChat?: number
  /** Of a backup that succeeded, where a second chat is configured. */
  replica?: ReplicaOutcome
}

/** How the copies in the second chat turned out; they never fail a backup. */
export interface ReplicaOutcome {
  /** Numeric, as text; as it is configured when the chat could not be asked. */
  chatId: string
  /** Every message of the backup is there as well. */
  isWhole: boolean
  /** What went wrong first. */
  error?: string
}

/** Told as a send goes on; numbers only grow. */
export interface SendProgress {
  plainBytesRead: number
  /** Exactly; undefined where only the end will tell, as of a stream. */
  plainBytesTotal: number | undefined
  /** About how many there will be, where the source has a guess: a database's size, say. It may be wrong either way. */
  plainBytesEstimated?: number
  /** Bytes handed to the connection, of all parts. */
  bytesOut: number
  /** About how many plain bytes those are. */
  plainBytesOut: number
  partsSent: number
  /** Set while the run waits. */
  wait?: CallWait
}
