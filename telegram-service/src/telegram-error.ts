import { BackupError, type BackupErrorDetails, hint, run } from '@telegram-backup/errors'

/**
 * What went wrong:
 * - `CONFIGURATION`: token, chat, rights, keys or options are wrong; nothing was sent.
 * - `INVALID`: the caller's input (project id, type, file) is refused; nothing was sent.
 * - `REFUSED`: the Bot API server said no; the message does not exist.
 * - `UNREACHABLE`: the request never left whole, so the message does not exist.
 * - `ANSWER_LOST`: the request may have been carried out. Never repeat a send after it.
 * - `UNPROVEN`: the server said yes, but its answer does not describe what was sent or asked for.
 * - `INTEGRITY`: a part is missing or damaged in the chat.
 * - `SOURCE`: the source could not be read, or changed while it was read.
 * - `CANCELLED`: the caller's signal fired.
 * - `LEASE_LOST`: another process has taken the backup over; this one touched nothing more.
 */
export type TelegramErrorCode =
  | 'CONFIGURATION'
  | 'INVALID'
  | 'REFUSED'
  | 'UNREACHABLE'
  | 'ANSWER_LOST'
  | 'UNPROVEN'
  | 'INTEGRITY'
  | 'SOURCE'
  | 'CANCELLED'
  | 'LEASE_LOST'

export interface TelegramErrorDetails extends BackupErrorDetails<TelegramErrorCode> {
  code: TelegramErrorCode
  /** The Bot API's `error_code` (the HTTP status), when it answered. */
  errorCode?: number | undefined
  /** The Bot API's words, without the token. */
  description?: string | undefined
  retryAfterSeconds?: number | undefined
  /** From 1, where one part is the cause. */
  partNumber?: number | undefined
  /** With `UNPROVEN`: a message that the server made, but that is not the requested one. */
  unprovenMessage?: UnprovenMessage | undefined
  /** The chat's new id, if it has become a supergroup. */
  movedTo?: string | undefined
}

export interface UnprovenMessage {
  chatId: number
  messageId: number
}

/** Every failure of this package. Messages hold no token, URL or key. */
export class TelegramError extends BackupError<TelegramErrorCode> {
  override readonly name: string = 'TelegramError'
  readonly errorCode: number | undefined
  readonly description: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly partNumber: number | undefined
  readonly unprovenMessage: UnprovenMessage | undefined
  readonly movedTo: string | undefined

  constructor(message: string, details: TelegramErrorDetails) {
    super(message, details)
    this.errorCode = details.errorCode
    this.description = details.description
    this.retryAfterSeconds = details.retryAfterSeconds
    this.partNumber = details.partNumber
    this.unprovenMessage = details.unprovenMessage
    this.movedTo = details.movedTo
  }
}

export function cancelled(): TelegramError {
  return new TelegramError('Cancelled', { code: 'CANCELLED' })
}

/** For a run that was taken for dead, or cannot prove that it was not. */
export function leaseLost(): TelegramError {
  return new TelegramError('Another process may have taken the backup over', {
    code: 'LEASE_LOST',
    hint: hint`Run "${run('reconcile')}", then see "${run('list')}".`,
  })
}
