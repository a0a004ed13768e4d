import type { Job } from '@telegram-backup/database'
import { BackupError, describeError, hasOwnWords } from '@telegram-backup/errors'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'

/**
 * What a job says of a source that cannot be opened or read: that it was the source. A file or a directory that is not there may be there again
 * soon, as after a log was rotated: it has the code `SOURCE`, and is tried again. What has the words of others, and a cancel, come back as they are.
 */
export function ofSource(error: unknown, { source }: Pick<Job, 'source'>): unknown {
  const { code, message, hint } = describeError(error)
  if (!hasOwnWords(error) || code === 'CANCELLED') return error
  return new BackupError(`The source ${source} cannot be backed up: ${message}`, {
    code: code === 'INVALID' ? 'SOURCE' : code,
    hint: hint ?? 'Mend the source, and ask for the backup once more.',
    cause: error,
  })
}

/** Why a send has failed. What telegram and the catalog failed of keeps the words of the library. */
export function reportedFailure(result: IntegratedBackupResult, job: Pick<Job, 'source'>): unknown {
  const { error = 'the send failed without a reason', code, hint, details } = result
  const { sourceFailed = code === 'INVALID', telegramError } = details
  const isOfSource = sourceFailed && telegramError !== undefined
  const failure = new BackupError(isOfSource ? telegramError : error, {
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
  })
  return isOfSource ? ofSource(failure, job) : failure
}
