export type { BotChat, BotUser, ChatMember, SentDocument } from '#bot-api/bot-api-types.ts'
export type { CallPolicy, CallWait } from '#bot-api/call-policy.ts'
export type { ExchangeTimeouts } from '#bot-api/http-exchange.ts'
export {
  type CallOptions,
  createTelegramClient,
  type SendDocumentRequest,
  type TelegramClient,
  type TelegramClientOptions,
} from '#bot-api/telegram-client.ts'
export { type Environment, readTelegramConfig, readVariable, type TelegramConfig } from '#config.ts'
export {
  assertProjectId,
  assertType,
  type BackupSendResult,
  BackupService,
  type BackupServiceOptions,
  type FetchBackupOptions,
  type SendBackupOptions,
} from '#services/backup.service.ts'
export {
  type BackupMetadata,
  BackupType,
  type SendProgress,
  type SentMessage,
  type SentPart,
  type SourceFacts,
} from '#services/backup-metadata.ts'
export { type ChatAccess, checkChatAccess } from '#services/chat-access.ts'
export type { PartToFetch } from '#services/fetch-parts.ts'
export type {
  BackupIntent,
  LedgerContext,
  MessageIntent,
  MessageKey,
  MessageProof,
  PartLedger,
} from '#services/part-ledger.ts'
export { TelegramError, type TelegramErrorCode, type TelegramErrorDetails } from '#telegram-error.ts'
