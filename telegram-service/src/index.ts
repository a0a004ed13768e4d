export type {
  BotChat,
  BotUser,
  ChatMember,
  ForwardOrigin,
  SeenDocument,
  SeenMessage,
  SentDocument,
} from '#bot-api/bot-api-types.ts'
export type { CallOptions, CallPolicy, CallWait } from '#bot-api/call-policy.ts'
export type { ObservedCall, TelegramClientOptions, TransferObserver } from '#bot-api/client-options.ts'
export type { DownloadedFile, DownloadOptions } from '#bot-api/file-download.ts'
export type { ExchangeTimeouts } from '#bot-api/http-exchange.ts'
export type { SendDocumentRequest } from '#bot-api/message-methods.ts'
export {
  isChatHidden,
  isMessageGone,
  isNotDeletable,
  isNotEditable,
  isNotModified,
  isPolledElsewhere,
  isWebhookSet,
} from '#bot-api/refusals.ts'
export {
  createTelegramClient,
  PUBLIC_FETCH_LIMIT_BYTES,
  type TelegramClient,
} from '#bot-api/telegram-client.ts'
export type { Turn } from '#bot-api/turn.ts'
export { type Environment, readTelegramConfig, readVariable, type TelegramConfig } from '#config.ts'
export {
  type CaptionFacts,
  type PackCaptionFacts,
  writeCaption,
  writeEvidenceCaption,
  writeIndexCaption,
  writePackCaption,
  writeTombstoneCaption,
} from '#messages/captions.ts'
export {
  type BackupName,
  backupFileName,
  evidenceFileName,
  manifestFileName,
  packFileName,
  partFileName,
} from '#messages/file-names.ts'
export {
  type CatalogName,
  type ParsedCaption,
  type ParsedDocument,
  type ParsedEvidence,
  type ParsedIndex,
  type ParsedPack,
  type ParsedTombstone,
  parseCaption,
} from '#messages/machine-line.ts'
export {
  assertProjectId,
  assertType,
  BackupService,
  type BackupServiceOptions,
  type SendBackupOptions,
} from '#services/backup.service.ts'
export {
  type BackupMetadata,
  type BackupSendResult,
  BackupType,
  type JsonValue,
  type ReplicaOutcome,
  type SendProgress,
  type SentMessage,
  type SentPart,
  type SourceFacts,
} from '#services/backup-metadata.ts'
export type { BackupSource, GivenFile, SourceEnd } from '#services/backup-source.ts'
export { type ChatAccess, checkChatAccess } from '#services/chat-access.ts'
export { guardChat, type PinnedIndex, pinnedIndexOf, readPinnedIndex } from '#services/chat-guard.ts'
export { ensureIndex, type IndexRefresh, refreshIndex } from '#services/chat-index.ts'
export {
  type DocumentProof,
  DocumentSender,
  type OutgoingDocument,
} from '#services/document-sender.ts'
export {
  DELETABLE_FOR_MS,
  type EraseMessageOptions,
  type Erasure,
  eraseMessage,
} from '#services/erase-message.ts'
export { adoptEvidence, sendEvidence } from '#services/evidence-message.ts'
export type { FetchBackupOptions, FetchIntoOptions } from '#services/fetch-backup.ts'
export { type DocumentPlace, type FetchedFile, fetchDocument, fetchFrom } from '#services/fetch-document.ts'
export type { FetchManifestOptions } from '#services/fetch-manifest.ts'
export { fetchPartDocuments, type PartToFetch } from '#services/fetch-parts.ts'
export { openFile } from '#services/file-source.ts'
export { editionCount } from '#services/index-edition.ts'
export type { IndexOptions } from '#services/index-message.ts'
export { LostAnswers } from '#services/lost-answers.ts'
export {
  type FindLostOptions,
  findLostMessages,
  type LookResult,
  type SurplusMessage,
} from '#services/lost-messages.ts'
export type { FoundMessage } from '#services/message-proof.ts'
export {
  type MessageFacts,
  MessageSender,
  type OutgoingMessage,
} from '#services/message-sender.ts'
export { followMovedChat } from '#services/moved-chat.ts'
export type {
  BackupIntent,
  LedgerContext,
  MessageIntent,
  MessageKey,
  MessageLedger,
  MessageProof,
  PartLedger,
  SealedBackup,
  SenderRecords,
} from '#services/part-ledger.ts'
export { assertOwnChat, type PreparedChat, prepareChat } from '#services/prepare-chat.ts'
export {
  type CurrentDocument,
  type RenewFileIdOptions,
  readDocument,
  renewFileId,
} from '#services/renew-file-id.ts'
export type { ResumedPart, ResumedSend } from '#services/resumed-send.ts'
export { type LookOptions, lookAtMessage, newestMessageId, telegramTime } from '#services/seen-messages.ts'
export { estimateSend, type SendEstimate, type SendEstimateOptions } from '#services/send-estimate.ts'
export type {
  ConfirmedIndex,
  KnownChat,
  KnownIndex,
  OpenedSend,
  OpenSend,
  VaultIdentity,
  VaultLedger,
} from '#services/vault-ledger.ts'
export {
  TelegramError,
  type TelegramErrorCode,
  type TelegramErrorDetails,
  type UnprovenMessage,
} from '#telegram-error.ts'
