import type { CallWait } from '#bot-api/call-policy.ts'

/** The specification's three types. */
export const BackupType = { DATABASE: 'database', STORAGE: 'storage', LOGS: 'logs' } as const
export type BackupType = (typeof BackupType)[keyof typeof BackupType]

export type JsonValue = string | number | boolean | null | JsonValue[] | { [name: string]: JsonValue }

/** Facts about a source, for the record and the manifest. No secrets: every holder of the key reads them. */
export type SourceFacts = Record<string, JsonValue>

/** What people call a backup. */
export interface BackupLabels {
  /** The name of its source in a configuration, 256 characters at most. */
  sourceName?: string | undefined
  /** 16 at most, each 1 to 64 letters, digits, dots, underscores, colons and hyphens. */
  tags?: readonly string[] | undefined
}

/** One proven message of a backup. */
export interface SentMessage {
  messageId: number
  /** Belongs to the bot that sent it. */
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
  /** Offset and number of its plain bytes. */
  plainOffset: number
  plainSize: number
}

/** A complete backup. The first seven fields are the specification's. */
export interface BackupMetadata {
  id: string
  projectId: string
  type: BackupType
  filename: string
  /** The first part's. */
  fileId: string
  /** Plain bytes. */
  size: number
  createdAt: Date

  /** Another implementation of the service may leave these out. */
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

/** The result of a send. After a failure, only what `leftInChat` counts is left in the chat. */
export interface BackupSendResult {
  success: boolean
  metadata?: BackupMetadata
  error?: string
  /** The error itself, with `code` and `hint`. */
  cause?: unknown
  /** Messages of a failed send that may be in the chat: not erased yet, or perhaps never made. */
  leftInChat?: number
  /** Of a successful backup, with a second chat. */
  replica?: ReplicaOutcome | undefined
}

/** The copies in the second chat; they never fail a backup. */
export interface ReplicaOutcome {
  /** Numeric, as text; as configured when the chat could not be asked. */
  chatId: string
  isWhole: boolean
  error?: string
}

/** Progress of a send; numbers only grow. */
export interface SendProgress {
  plainBytesRead: number
  /** Exact; undefined for a stream. */
  plainBytesTotal: number | undefined
  /** A guess, for example the size of a database; it may be wrong either way. */
  plainBytesEstimated?: number | undefined
  /** Bytes handed to the connection, of all parts. */
  bytesOut: number
  /** Estimated plain bytes of these. */
  plainBytesOut: number
  partsSent: number
  /** Set while the run waits. */
  wait?: CallWait
}
