import type { Backup } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { BackupMetadata, BackupSendResult, ReplicaOutcome } from 'telegram-deployment-bot'

/** Which of the two sides has the backup. */
export interface IntegratedBackupDetails {
  telegramSuccess: boolean
  databaseSuccess: boolean
  telegramError?: string | undefined
  databaseError?: string | undefined
  /** The source failed, such as a dump, not the chat. */
  sourceFailed?: true | undefined
  /** A file, option or key was refused before any call of Telegram. */
  refused?: true | undefined
  /** Messages of a failed send that may still be in the chat; `backup_parts` names them. */
  leftInChat?: number | undefined
  /**
   * After a success: whether the index in the chat names the backup. If not, the next send or reconcile
   * updates it.
   */
  indexUpToDate?: boolean | undefined
  /** Why not. */
  indexError?: string | undefined
  /** The result for the second chat, if one is configured. */
  replica?: ReplicaDetails | undefined
}

/** A failure of the second chat fails no backup; reconcile copies what is missing there. */
export interface ReplicaDetails extends Omit<ReplicaOutcome, 'error'> {
  error?: string | undefined
  indexUpToDate?: boolean | undefined
}

export interface IntegratedBackupResult {
  success: boolean
  telegramMetadata?: BackupMetadata | undefined
  databaseRecord?: Backup | undefined
  /** Begins with `Failed to send backup to Telegram` or `Failed to record backup in database`. */
  error?: string | undefined
  /** For programs, and what to do next; set with `error`. */
  code?: string | undefined
  hint?: string | undefined
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
    hint,
    details: {
      telegramSuccess: false,
      databaseSuccess: false,
      telegramError,
      sourceFailed: isOfSource(sent.cause) || undefined,
      refused: isRefused(sent.cause) || undefined,
      leftInChat: sent.leftInChat || undefined,
    },
  }
}

/** Connectors throw a plain BackupError; chat, archive and catalog have classes of their own. */
function isOfSource(cause: unknown): boolean {
  const { code } = describeError(cause)
  const isOfConnector = cause instanceof BackupError && cause.name === 'BackupError'
  return code === 'SOURCE' || (isOfConnector && !OF_CALLERS.has(code))
}

/** A bad key is an ArchiveError; a `CONFIGURATION` of the chat package may concern token and chat. */
function isRefused(cause: unknown): boolean {
  const { code } = describeError(cause)
  const isOfKeys = cause instanceof Error && cause.name === 'ArchiveError' && code === 'CONFIGURATION'
  return code === 'INVALID' || code === 'USAGE' || code === 'NO_KEY' || isOfKeys
}

/** Codes of a cancel and of bad options. */
const OF_CALLERS: ReadonlySet<string> = new Set(['CANCELLED', 'INVALID', 'USAGE'])

/**
 * The catalog failed: with `metadata` the backup is whole in the chat, with `sent` the send failed as well.
 */
export function databaseFailure(
  error: unknown,
  { metadata, sent }: { metadata?: BackupMetadata; sent?: BackupSendResult } = {},
): IntegratedBackupResult {
  const { message, code, hint } = describeError(error)
  return {
    success: false,
    telegramMetadata: metadata,
    error: `Failed to record backup in database: ${message}`,
    code,
    hint,
    details: {
      telegramSuccess: metadata !== undefined,
      databaseSuccess: false,
      databaseError: message,
      telegramError: sent?.error,
      leftInChat: sent?.leftInChat || undefined,
    },
  }
}
