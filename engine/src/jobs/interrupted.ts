import type { JobError, JobKind } from '@telegram-backup/database'

/** Why a job has failed that was cut off and does not go on. Of a restore nobody can tell how far it came. */
export function interrupted(kind: JobKind): JobError {
  return kind === 'restore'
    ? {
        code: 'INTERRUPTED',
        message: 'The restore was cut off: the target may hold the backup, or be as it was before',
        hint: 'Look at the target, then ask for it once more; a restore is never done again by itself.',
      }
    : {
        code: 'INTERRUPTED',
        message: 'The process that was at it ended early',
        hint: 'Ask for it once more.',
      }
}
