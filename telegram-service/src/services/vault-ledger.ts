import type { IndexDrawing } from '@telegram-backup/archive'

/**
 * Records about a chat besides the messages of one send: its owner, its index, and every call that may have
 * made a message of unknown id. Declared here, implemented over a catalog. Each method resolves when its
 * record is durable.
 */
export interface VaultLedger {
  identity(): Promise<VaultIdentity>
  knownChat(chatId: string): Promise<KnownChat>
  /** A group has become a supergroup: the other id counts now. */
  chatMoved(move: { from: string; to: string }): Promise<void>

  /** Before a message is forwarded to be read. The copy is deleted at once, then `closeSend` is called. */
  beginCopy(copy: {
    chatId: string
    botId: string
    sourceMessageId: number
    backupId?: string | undefined
  }): Promise<OpenedSend>
  /** The call made no message, or its message is gone. */
  closeSend(sendId: string): Promise<void>
  /** Calls whose outcome is unknown; with `backupId: null`, those of no backup. */
  openSends(of: { chatId: string; backupId?: string | null | undefined }): Promise<OpenSend[]>
  /** Messages up to this id were looked at for that call. `hasMore`: it cannot be given up yet. */
  looked(sendId: string, seen: { upTo: number; hasMore?: boolean }): Promise<void>
  /** A useless message that could not be deleted; its removal is tried again. */
  keepLeftover(message: { chatId: string; messageId: number }): Promise<void>
  /** Ids that need not be looked at, above `after` and up to `upTo`. */
  knownMessageIds(chatId: string, range: { after: number; upTo: number }): Promise<ReadonlySet<number>>

  /** Before a new index message is sent. */
  beginIndex(index: { chatId: string; botId: string }): Promise<OpenedSend>
  /** The current content of the index; equal catalogs give equal drawings. */
  drawIndex(chatId: string): Promise<IndexDrawing>
  /** One writer of an index at a time, over all processes on this catalog. */
  withIndexLock<Result>(chatId: string, work: () => Promise<Result>): Promise<Result>
  /** Before the index is replaced in place: this edition may be in the chat now. */
  intendIndexEdition(chatId: string, edition: string): Promise<void>
  confirmIndex(index: ConfirmedIndex): Promise<void>
  forgetIndex(chatId: string): Promise<void>

  /**
   * Before a record of evidence is sent. Null when the chat has it, or when a call that may have sent it is
   * open.
   */
  beginEvidence(document: EvidenceIntent): Promise<OpenedSend | null>
  /**
   * After it was proven, or found. False when the chat has the record in another message: then this one is
   * one too many.
   */
  confirmEvidence(message: EvidenceConfirmation): Promise<boolean>
}

export interface VaultIdentity {
  /** UUID. */
  catalogId: string
  /** From 1; grows with each rebuild from the chat. */
  generation: number
  /** It is being rebuilt from a chat, and incomplete. */
  isRecovering?: boolean
}

export interface KnownChat {
  /** The newest known message id; 0 for an unknown chat. */
  newestMessageId: number
  /** The chat's new id, if it has moved. */
  movedTo?: string
  index?: KnownIndex
}

export interface KnownIndex {
  messageId: number
  /** Belongs to the bot `botId`. */
  fileId: string
  botId: string
  /** Of the document. */
  sha256: string
  /** The drawing of the index; also in its caption. */
  edition: string
  /** Of the drawing: an equal one is not sent again. */
  contentSha256: string
  /** An edition that was about to be written, and may be in the chat. */
  nextEdition?: string
}

export interface ConfirmedIndex {
  chatId: string
  messageId: number
  fileId: string
  botId: string
  sha256: string
  edition: string
  contentSha256: string
  /** Of `beginIndex`, for a new message; absent after a replacement in place. */
  sendId?: string
  /** Ids of the checkpoints and removed buckets that it names; absent when its content is unknown. */
  names?: readonly string[]
  /** Ids of the buckets that it names as taken back to a moment. */
  undeletes?: readonly string[]
}

interface EvidenceIntent {
  evidenceId: string
  chatId: string
  botId: string
  fileName: string
  sizeBytes: number
  /** Of the document. */
  sha256: string
}

interface EvidenceConfirmation {
  evidenceId: string
  sendId: string
  chatId: string
  messageId: number
  botId: string
  fileId: string
  fileUniqueId: string
  sizeBytes: number
  sha256: string
  sentAt: Date
}

export interface OpenedSend {
  sendId: string
  /** The call's message has a greater id. */
  afterMessageId: number
}

/** A call that may have made a message of unknown id. */
export interface OpenSend {
  id: string
  chatId: string
  botId: string
  purpose: 'part' | 'manifest' | 'index' | 'copy' | 'evidence' | 'pack' | 'checkpoint'
  /** For parts, manifests, and copies made for one backup. */
  backupId: string | null
  /** For evidence. */
  evidenceId: string | null
  /** For packs, also those of checkpoints. */
  packId: string | null
  /** From 1; 0 for a manifest. */
  partNumber: number | null
  /** For copies; 0 for a text that was sent to learn the newest id. */
  sourceMessageId: number | null
  /** Of the document as sent, if there is one. */
  sha256: string | null
  sizeBytes: number | null
  afterMessageId: number
  begunAt: Date
}
