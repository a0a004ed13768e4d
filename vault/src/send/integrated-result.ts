import type { Backup } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { BackupMetadata, BackupSendResult, ReplicaOutcome } from 'telegram-deployment-bot'

/** Which of the two sides has the backup. */
export interface IntegratedBackupDetails {
  telegramSuccess: boolean
  databaseSuccess: boolean
  telegramError?: string
  databaseError?: string
  /** The source failed, such as a dump, and not the chat. */
  sourceFailed?: true
  /** What was given cannot be sent, be it a file, an option or a key; Telegram was not asked. */
  refused?: true
  /** Messages of a failed send that may still be in the chat; `backup_parts` names them. */
  leftInChat?: number
  /**
   * Whether the index in the chat names the backup already, when it succeeded with a service that keeps an
   * index. If not, the next send or `reconcile` makes it.
   */
  indexUpToDate?: boolean
  /** Why not. */
  indexError?: string
  /** How the copies in the second chat turned out, where one is configured. */
  replica?: ReplicaDetails
}

/** The second chat fails no backup; `reconcile` makes what is missing there. */
export interface ReplicaDetails extends ReplicaOutcome {
  indexUpToDate?: boolean
}

export interface IntegratedBackupResult {
  success: boolean
  telegramMetadata?: BackupMetadata
  databaseRecord?: Backup
  /** Begins with `Failed to send backup to Telegram` or `Failed to record backup in database`. */
  error?: string
  /** For programs, and what to do next; set with `error`. */
  code?: string
  hint?: string
  details: IntegratedBackupDetails
}

/** Nothing was backed up; `sent` says why. */
export function telegramFailure(sent: BackupSendResult): IntegratedBackupResult {
  const { code, hint } = describeError(sent.cause)
  const telegramError = sent.error ?? 'the service gave no reason'
  return {
    success: false,
    error: `Failed to send backup to Telegram: ${telegramError}`,
    code: sent.cause === undefined ? 'TELEGRAM' : code,
    ...(hint === undefined ? {} : { hint }),
    details: {
      telegramSuccess: false,
      databaseSuccess: false,
      telegramError,
      ...(isOfSource(sent.cause) ? { sourceFailed: true } : {}),
      ...(isRefused(sent.cause) ? { refused: true } : {}),
      ...leftIn(sent),
    },
  }
}

/** A connector throws a plain BackupError; chat, archive and catalog have classes of their own. */
function isOfSource(cause: unknown): boolean {
  const { code } = describeError(cause)
  const isOfConnector = cause instanceof BackupError && cause.name === 'BackupError'
  return code === 'SOURCE' || (isOfConnector && !OF_CALLERS.has(code))
}

/**
 * A bad key is an error of the archive; a `CONFIGURATION` of the chat package may be about token and chat.
 */
function isRefused(cause: unknown): boolean {
  const { code } = describeError(cause)
  const isOfKeys = cause instanceof Error && cause.name === 'ArchiveError' && code === 'CONFIGURATION'
  return code === 'INVALID' || code === 'USAGE' || code === 'NO_KEY' || isOfKeys
}

/** Codes of what a caller did, be it a cancel or options that cannot be. */
const OF_CALLERS: ReadonlySet<string> = new Set(['CANCELLED', 'INVALID', 'USAGE'])

/**
 * What the catalog failed of, with the backup if it is whole in the chat, else with what became of the send.
 */
export function databaseFailure(
  error: unknown,
  of: { metadata?: BackupMetadata; sent?: BackupSendResult } = {},
): IntegratedBackupResult {
  const { message, code, hint } = describeError(error)
  const { metadata, sent } = of
  return {
    success: false,
    ...(metadata ? { telegramMetadata: metadata } : {}),
    error: `Failed to record backup in database: ${message}`,
    code,
    ...(hint === undefined ? {} : { hint }),
    details: {
      telegramSuccess: metadata !== undefined,
      databaseSuccess: false,
      databaseError: message,
      ...(sent?.error === undefined ? {} : { telegramError: sent.error }),
      ...leftIn(sent),
    },
  }
}

function leftIn(sent: BackupSendResult | undefined): { leftInChat?: number } {
  return sent?.leftInChat ? { leftInChat: sent.leftInChat } : {}
}
