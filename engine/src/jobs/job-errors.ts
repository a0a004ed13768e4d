import type { Job, JobError, JobKind } from '@telegram-backup/database'
import {
  BackupError,
  commandLineWords,
  type DescribedError,
  describeError,
  type HintWords,
  hasOwnWords,
  hint,
  redactError,
  run,
} from '@telegram-backup/errors'
import type { IntegratedBackupResult } from '@telegram-backup/vault/send/integrated-result.ts'

/** The fields and parameters of a request, by the options of the command line that mean the same. */
const FIELDS: Readonly<Record<string, string>> = {
  overwrite: '"overwrite": true',
  'with-objects': 'with_objects=true',
  'even-the-last': 'even_the_last=true',
}

/** The words of a hint for the person who sent a request. There are none for an option without a field. */
export const requestWords: HintWords = action =>
  'option' in action ? FIELDS[action.option] : commandLineWords(action)

/** The error of a job as the catalog keeps it. Jobs are requested over HTTP, so its hint names fields. */
export function errorOfJob(error: unknown): DescribedError {
  return redactError(error, action => requestWords(action) ?? commandLineWords(action))
}

/**
 * The error of a job whose source cannot be opened or read; it names the source. A missing file or directory
 * gets the code `SOURCE`, which is tried again: after a log is rotated, it soon comes back. Errors of other
 * programs and cancellations stay as they are.
 */
export function ofSource(error: unknown, { source }: Pick<Job, 'source'>): unknown {
  const { code, message, hint } = describeError(error)
  if (!hasOwnWords(error) || code === 'CANCELLED') return error
  return new BackupError(`The source ${source} cannot be backed up: ${message}`, {
    code: code === 'INVALID' ? 'SOURCE' : code,
    hint: hint ?? 'Fix the source, and request the backup again.',
    cause: error,
  })
}

/** The error of a failed send. Failures of Telegram and of the catalog keep their text. */
export function reportedFailure(result: IntegratedBackupResult, job: Pick<Job, 'source'>): unknown {
  const { error = 'the send failed without a reason', code, hint, details } = result
  const { sourceFailed = code === 'INVALID', telegramError } = details
  const isOfSource = sourceFailed && telegramError !== undefined
  const failure = new BackupError(isOfSource ? telegramError : error, {
    code,
    hint,
  })
  return isOfSource ? ofSource(failure, job) : failure
}

/**
 * The error of a job whose process ended, and which is not tried again. How far a restore came is unknown.
 */
export function interrupted(kind: JobKind): JobError {
  return kind === 'restore'
    ? {
        code: 'INTERRUPTED',
        message: 'The restore was interrupted: the target may hold the backup or its previous contents',
        hint: 'Check the target, then request the restore again. A restore is never repeated automatically.',
      }
    : {
        code: 'INTERRUPTED',
        message: 'The process that ran the job ended early',
        hint: 'Request it again.',
      }
}

/** The error of a job whose source or target no process has configured, or of a drill that none makes. */
export function unserved({ kind, source, target }: Pick<Job, 'kind' | 'source' | 'target'>): JobError {
  if (kind === 'drill') {
    const place =
      target !== null ? ` on the target ${target}` : source !== null ? ` of the source ${source}` : ''
    return redactError(
      new BackupError(`No running serve can make a drill${place}, so the job could not start`, {
        code: 'UNSERVED',
        hint: 'A serve makes drills if it has a private key (BACKUP_AGE_IDENTITY_FILE), and its telegram-backup.yaml names the source or target.',
      }),
    )
  }
  const name = kind === 'restore' ? `target ${target}` : `source ${source}`
  const error = new BackupError(`No running serve knows the ${name}, so the job could not start`, {
    code: 'UNSERVED',
    hint: hint`Write the ${name} into the telegram-backup.yaml of the machine that should do it, and request it again; or remove its schedule (${run('schedule list')}).`,
  })
  return redactError(error)
}
