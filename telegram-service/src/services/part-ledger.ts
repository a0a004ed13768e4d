import type { BackupType, SourceFacts } from '#services/backup-metadata.ts'

/**
 * Where a send writes down what it is about to do and what it has proven, so that a crash leaves "unknown, look for
 * it" and never an unknown message. Declared by the sender, implemented over a catalog by the application. Each method
 * resolves only when its record is durable; a rejection stops the run. No method is called twice for one message.
 */
export interface PartLedger {
  /** Before anything is sent. */
  openBackup(intent: BackupIntent): Promise<LedgerContext>
  /** Before each message is sent. */
  intendMessage(message: MessageIntent): Promise<void>
  /** After the server's answer proved the message. */
  confirmMessage(message: MessageProof): Promise<void>
  /** After a message of a run that failed was taken out of the chat again. */
  messageErased(message: MessageKey): Promise<void>
  /** A run that ended without a whole backup. The messages that could not be erased stay recorded as sent. */
  failBackup(failure: { backupId: string; reason: string }): Promise<void>
}

export interface BackupIntent {
  backupId: string
  project: string
  type: BackupType
  /** The unique name in the chat. */
  filename: string
  /** Numeric, as text. */
  chatId: string
  botId: string
  createdAt: Date
  expiresAt?: Date | undefined
  caption?: string | undefined
  encrypted: boolean
  /** Facts about the source, for the record. */
  source: SourceFacts
}

/** What the ledger knows that messages repeat. */
export interface LedgerContext {
  catalogId: string
  generation: number
  /** The manifest of the backup before this one in the same chat. */
  previousManifestMessageId?: number | undefined
  /** How long ago, in milliseconds, other runs sent messages to this chat in the last minute. */
  recentAgesMs?: readonly number[] | undefined
}

export interface MessageKey {
  backupId: string
  /** Numeric, as text. */
  chatId: string
  kind: 'part' | 'manifest'
  /** From 1; 0 for the manifest. */
  partNumber: number
}

export interface MessageIntent extends MessageKey {
  botId: string
  fileName: string
  /** Of the document as sent. */
  sizeBytes: number
  sha256: string
  /** Of a part: where its plain bytes begin, and how many they are. */
  plainOffset?: number
  plainSize?: number
}

export interface MessageProof extends MessageKey {
  messageId: number
  fileId: string
  fileUniqueId: string
  sentAt: Date
}
