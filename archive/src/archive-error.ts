import { BackupError, type BackupErrorDetails } from '@telegram-backup/errors'
import { systemErrorHint, systemErrorSuffix } from '#system-error.ts'

/**
 * What went wrong:
 * - `INTEGRITY`: bytes are damaged, missing, repeated, exchanged or foreign; or our count is wrong.
 * - `WRONG_KEY`: the age header looks sound, and none of the identities opens it.
 * - `NO_KEY`: no recipient to encrypt to, or no identity to decrypt with.
 * - `SOURCE`: the plain bytes could not be read, or the source of the parts failed.
 * - `TARGET`: the restored bytes could not be written; the cause is the system's error.
 * - `CONFIGURATION`: an option, key or key file that cannot be used.
 * - `CANCELLED`: the caller's signal.
 * - `UNEXPECTED`: this process failed, for example for want of memory; the bytes may be right.
 */
export type ArchiveErrorCode =
  | 'INTEGRITY'
  | 'WRONG_KEY'
  | 'NO_KEY'
  | 'SOURCE'
  | 'TARGET'
  | 'CONFIGURATION'
  | 'CANCELLED'
  | 'UNEXPECTED'

export interface ArchiveErrorDetails extends BackupErrorDetails<ArchiveErrorCode> {
  code: ArchiveErrorCode
  /** From 1. */
  partNumber?: number | undefined
}

/** Every error of this package. Messages hold no key. */
export class ArchiveError extends BackupError<ArchiveErrorCode> {
  override readonly name = 'ArchiveError'
  readonly partNumber: number | undefined

  constructor(message: string, { partNumber, ...details }: ArchiveErrorDetails) {
    super(message, details)
    this.partNumber = partNumber
  }
}

/**
 * Any error as an {@link ArchiveError}: ours as it is, even from a thread, where it loses its class; others
 * wrapped, with the name of a system error and a hint.
 */
export function toArchiveError(error: unknown, code: ArchiveErrorCode, message: string): ArchiveError {
  if (error instanceof ArchiveError) return error
  if (error instanceof Error && error.name === 'ArchiveError') {
    const { code, hint, partNumber, cause } = error as ArchiveError
    return new ArchiveError(error.message, { code, hint, partNumber, cause })
  }
  return new ArchiveError(`${message}${systemErrorSuffix(error)}`, {
    code,
    hint: systemErrorHint(error),
    cause: error,
  })
}
