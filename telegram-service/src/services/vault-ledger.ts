import type { IndexDrawing } from '@telegram-backup/archive'

/**
 * What is written down about a chat besides the messages of one send: who owns it, its index, and every call
 * that may have made a message whose id nobody knows. Declared here, implemented over a catalog by the
 * application. Each method resolves only when its record is durable.
 */
export interface VaultLedger {
  /** The catalog that chats of ours belong to. */
  identity(): Promise<VaultIdentity>
  /** What is known of the chat. */
  knownChat(chatId: string): Promise<KnownChat>
  /** A group that has become a supergroup: from now on the other id counts. */
  chatMoved(move: { from: string; to: string }): Promise<void>

  /**
   * Before a message is forwarded to be looked at. The copy is deleted at once, and then `closeSend` is
   * called.
   */
  beginCopy(copy: {
    chatId: string
    botId: string
    sourceMessageId: number
    backupId?: string
  }): Promise<OpenedSend>
  /** It is certain that the call made no message, or that its message is gone again. */
  closeSend(sendId: string): Promise<void>
  /**
   * The calls of which nobody knows whether they made a message; with `backupId: null` those of no backup.
   */
  openSends(of: { chatId: string; backupId?: string | null }): Promise<OpenSend[]>
  /**
   * Every message up to this id has been looked at for that call; a message gets its id when it is made. With
   * `hasMore` there were others above, so that the call cannot be given up yet.
   */
  looked(sendId: string, seen: { upTo: number; hasMore?: boolean }): Promise<void>
  /**
   * Records a message that nothing needs and that could not be deleted, so that its removal is tried again.
   */
  keepLeftover(message: { chatId: string; messageId: number }): Promise<void>
  /** Ids that need no looking at, above `after` and up to `upTo`. */
  knownMessageIds(chatId: string, range: { after: number; upTo: number }): Promise<ReadonlySet<number>>

  /** Before the index of a chat that has none is sent. */
  beginIndex(index: { chatId: string; botId: string }): Promise<OpenedSend>
  /** What the index has to say now; equal catalogs give equal drawings. */
  drawIndex(chatId: string): Promise<IndexDrawing>
  /** One writer of an index at a time, in all processes on this catalog. */
  withIndexLock<Result>(chatId: string, work: () => Promise<Result>): Promise<Result>
  /** Before the index is replaced in place: this edition may be in the chat from now on. */
  intendIndexEdition(chatId: string, edition: string): Promise<void>
  /** The index is in the chat, and pinned. */
  confirmIndex(index: ConfirmedIndex): Promise<void>
  /** The index message is not in the chat any more. */
  forgetIndex(chatId: string): Promise<void>
}

export interface VaultIdentity {
  /** UUID. */
  catalogId: string
  /** From 1; grows each time a catalog is rebuilt from the chat. */
  generation: number
  /** It is being rebuilt from a chat, and knows only a part of what is there. */
  isRecovering?: boolean
}

export interface KnownChat {
  /** The newest message id that the catalog has heard of; 0 for a chat that it does not know. */
  newestMessageId: number
  /** The id under which the chat goes on, when it has moved. */
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
  /** Names one drawing of the index; also in its caption. */
  edition: string
  /** Of the drawing, so that an equal one need not be sent again. */
  contentSha256: string
  /** An edition that was about to be written: it may be in the chat instead. */
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
  /** Of `beginIndex`, for a new message; absent when it was replaced in place. */
  sendId?: string
}

export interface OpenedSend {
  sendId: string
  /** Whatever the call makes has a greater id. */
  afterMessageId: number
}

/** A call that may have made a message whose id nobody knows. */
export interface OpenSend {
  id: string
  chatId: string
  botId: string
  purpose: 'part' | 'manifest' | 'index' | 'copy'
  /** Of a part, a manifest, and a copy that was made for one backup. */
  backupId: string | null
  /** From 1; 0 for a manifest. */
  partNumber: number | null
  /** Of a copy; 0 for a text that was sent to learn the newest id. */
  sourceMessageId: number | null
  /** Of the document as sent, where it is one. */
  sha256: string | null
  sizeBytes: number | null
  afterMessageId: number
  begunAt: Date
}
