import { BackupError, type BackupErrorDetails } from '@telegram-backup/errors'
import { systemErrorHint, systemErrorSuffix } from '#system-error.ts'

/**
 * What went wrong, for programs.
 * - `INTEGRITY`: bytes are damaged, missing, repeated, exchanged or foreign; or our own count did not add up.
 * - `WRONG_KEY`: the age header is sound as far as can be told, and none of the identities opens it.
 * - `NO_KEY`: no recipient to encrypt to, or no identity to decrypt with.
 * - `SOURCE`: the plain bytes could not be read, or the source of the parts failed.
 * - `TARGET`: the restored bytes could not be written; the cause is the system's error.
 * - `CONFIGURATION`: an option, key or key file that cannot be used as given.
 * - `CANCELLED`: the caller's AbortSignal.
 */
export type ArchiveErrorCode =
  | 'INTEGRITY'
  | 'WRONG_KEY'
  | 'NO_KEY'
  | 'SOURCE'
  | 'TARGET'
  | 'CONFIGURATION'
  | 'CANCELLED'

/** Facts that go with an {@link ArchiveError}. */
export interface ArchiveErrorDetails extends BackupErrorDetails<ArchiveErrorCode> {
  code: ArchiveErrorCode
  /** Number of the part concerned, from 1. */
  partNumber?: number | undefined
}

/** Every error of this package. Its text never contains a key. */
export class ArchiveError extends BackupError<ArchiveErrorCode> {
  override readonly name = 'ArchiveError'
  readonly partNumber?: number

  constructor(message: string, { partNumber, ...details }: ArchiveErrorDetails) {
    super(message, details)
    if (partNumber !== undefined) this.partNumber = partNumber
  }
}

/**
 * Any error as an {@link ArchiveError}: one of ours as it is, also when it came from another thread and lost its
 * class on the way; everything else wrapped, with the name of a system's error and what to do about it.
 */
export function toArchiveError(error: unknown, code: ArchiveErrorCode, message: string): ArchiveError {
  if (error instanceof ArchiveError) return error
  if (error instanceof Error && error.name === 'ArchiveError') {
    const { code, hint, partNumber, cause } = error as ArchiveError
    return new ArchiveError(error.message, {
      code,
      ...(hint !== undefined && { hint }),
      ...(partNumber !== undefined && { partNumber }),
      cause,
    })
  }
  const hint = systemErrorHint(error)
  return new ArchiveError(`${message}${systemErrorSuffix(error)}`, {
    code,
    ...(hint !== undefined && { hint }),
    cause: error,
  })
}
