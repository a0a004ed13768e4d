import type { BackupType, SourceFacts } from '#services/backup-metadata.ts'
import type { OpenedSend, VaultLedger } from '#services/vault-ledger.ts'

/** Which message of its owner a document is. All but parts complete what they belong to. */
export interface SentKey {
  /** Numeric, as text. */
  chatId: string
  kind: 'part' | 'manifest' | 'pack'
  /** Of a part from 1; 0 for a manifest. */
  partNumber?: number
}

/** Records of the messages that a sender makes, whatever they are of; the promises are those of a ledger. */
export interface SenderRecords<Key extends SentKey> {
  /** By this process's clock: no other process can have taken the work over. */
  holdsLease(): boolean
  /** Fires when the lease is lost: the sender then touches neither the chat nor the records. */
  readonly leaseLost: AbortSignal
  /** The call made no message, or its message is gone. */
  sendRefused(sendId: string): Promise<void>
  messageErased(message: Key): Promise<void>
}

/**
 * Records what the sender of a message is about to do and what it has proven. So a crash leaves "unknown,
 * look for it", never an unknown message. Declared by the sender, implemented over a catalog. Each method
 * resolves when its record is durable; a rejection stops the sender.
 */
export interface MessageLedger extends SenderRecords<MessageKey> {
  /** The chat's records; without them nothing lost is looked for, and the chat gets no index. */
  readonly vault?: VaultLedger
  /** Before each send of a message. */
  intendMessage(message: MessageIntent): Promise<OpenedSend>
  /** After the message was proven, or found. */
  confirmMessage(message: MessageProof): Promise<void>
}

/** The ledger of a whole run, with the same promises. */
export interface PartLedger extends MessageLedger {
  /** Before anything is sent. From here on the run holds the backup's lease. */
  openBackup(intent: BackupIntent): Promise<LedgerContext>
  /** The same for an abandoned backup, with its proven parts. */
  reopenBackup(resumed: { backupId: string }): Promise<LedgerContext>
  /** The newest manifest below this message; undefined for none, or if it may be unknown. */
  manifestBelow(place: { chatId: string; messageId: number }): Promise<number | undefined>
  /** Before the manifest is sent: now another process can finish the backup if the run dies. */
  sealBackup(sealed: SealedBackup): Promise<void>
  /** Before messages of a sealed backup are erased: now no process finishes it. */
  unsealBackup(of: { backupId: string }): Promise<void>
  /** The run failed. Messages that could not be erased stay recorded as sent. */
  failBackup(failure: FailedBackup): Promise<void>
}

interface FailedBackup {
  backupId: string
  /** The thrown error. The implementation decides what readers of the catalog may see. */
  cause: unknown
  /** Follows the reason, such as `; 2 message(s) may still be in the chat`; may be empty. */
  leftover: string
}

export interface BackupIntent {
  backupId: string
  project: string
  type: BackupType
  filename: string
  /** Numeric, as text. */
  chatId: string
  botId: string
  createdAt: Date
  expiresAt?: Date | undefined
  caption?: string | undefined
  encrypted: boolean
  source: SourceFacts
}

/** A message of the last minute. */
interface RecentMessage {
  /** The backup, or the writer of packs. */
  run: string
  /** Unique in its chat. */
  key: string
  /** Age in milliseconds; 0 for one under way. */
  ageMs: number
}

export interface LedgerContext {
  catalogId: string
  generation: number
  /** Captions name it. */
  indexMessageId?: number | undefined
  /** Messages of all runs in this chat in the last minute. */
  recentMessages?: readonly RecentMessage[] | undefined
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
  /** Offset and number of a part's plain bytes. */
  plainOffset?: number
  plainSize?: number
  plainSha256?: string
}

export interface MessageProof extends MessageKey {
  /** The call that made it. */
  sendId: string
  messageId: number
  fileId: string
  fileUniqueId: string
  sentAt: Date
}

/** A backup whose parts are proven; sizes in bytes, hashes in hex. */
export interface SealedBackup {
  backupId: string
  size: number
  archiveSize: number
  plainSha256: string
  archiveSha256: string
  partCount: number
  source: SourceFacts
  /** Fingerprint of the key that signed the manifest. */
  signer: string
  manifest: Uint8Array
}
