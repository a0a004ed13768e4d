import type { BackupType, SourceFacts } from '#services/backup-metadata.ts'
import type { OpenedSend, VaultLedger } from '#services/vault-ledger.ts'

/**
 * Where the sender of single messages writes down what it is about to do and what it has proven. So a crash leaves
 * "unknown, look for it" and never an unknown message. Declared by the sender, implemented over a catalog by the
 * application. Each method resolves only when its record is durable; a rejection stops the sender.
 */
export interface MessageLedger {
  /** The chat's own records; without them nothing that is lost is looked for, and the chat gets no index. */
  readonly vault?: VaultLedger
  /** By this process's own clock: no other process can have taken the backup over. */
  holdsLease(): boolean
  /** Fires when the lease is lost: then the sender stops, and touches neither the chat nor the ledger. */
  readonly leaseLost: AbortSignal
  /** Before each message is sent; again before it is sent once more. */
  intendMessage(message: MessageIntent): Promise<OpenedSend>
  /** After the server's answer proved the message, or it was found. */
  confirmMessage(message: MessageProof): Promise<void>
  /** It is certain that this call made no message. */
  sendRefused(sendId: string): Promise<void>
  /** After a message was taken out of the chat again. */
  messageErased(message: MessageKey): Promise<void>
}

/** The ledger of a whole run, which opens a backup, seals it, or fails it. The same promises hold. */
export interface PartLedger extends MessageLedger {
  /** Before anything is sent. From here on the run holds the lease of its backup. */
  openBackup(intent: BackupIntent): Promise<LedgerContext>
  /** The same for a backup that an abandoned run left behind, with the parts that are proven. */
  reopenBackup(resumed: { backupId: string }): Promise<LedgerContext>
  /**
   * Before the manifest is sealed: the message of the newest manifest below this message of the chat. Undefined where there
   * is none, and where there may be one that is not known yet.
   */
  manifestBelow(place: { chatId: string; messageId: number }): Promise<number | undefined>
  /** Before the manifest is sent: with this, another process can finish the backup when the run dies. */
  sealBackup(sealed: SealedBackup): Promise<void>
  /** Before messages of a sealed backup are taken out of the chat again: from here on no process finishes it. */
  unsealBackup(of: { backupId: string }): Promise<void>
  /** A run that ended without a whole backup. The messages that could not be erased stay recorded as sent. */
  failBackup(failure: FailedBackup): Promise<void>
}

interface FailedBackup {
  backupId: string
  /** What ended it, as it was thrown. The implementation decides how much of it readers of the catalog may see. */
  cause: unknown
  /** Words that follow the reason, such as `; 2 message(s) may still be in the chat`; empty when nothing is left. */
  leftover: string
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

/** A message that was sent just before. `backupId`, `kind` and `partNumber` together are unique in its chat. */
interface RecentMessage {
  backupId: string
  kind: 'part' | 'manifest'
  /** From 1; 0 for a manifest. */
  partNumber: number
  /** How long ago, in milliseconds; 0 for one under way. */
  ageMs: number
}

/** What the ledger knows that messages repeat. */
export interface LedgerContext {
  catalogId: string
  generation: number
  /** Of the chat's index, which captions name. */
  indexMessageId?: number | undefined
  /** What was sent to this chat in the last minute, by whatever run. */
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
  /** Of a part: where its plain bytes begin, and how many they are. */
  plainOffset?: number
  plainSize?: number
  plainSha256?: string
}

export interface MessageProof extends MessageKey {
  /** Of the call that made it. */
  sendId: string
  messageId: number
  fileId: string
  fileUniqueId: string
  sentAt: Date
}

/** All that is known of a backup whose parts are proven; sizes in bytes, hashes in hex. */
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
  /** The document, ready to be sent. */
  manifest: Uint8Array
}
