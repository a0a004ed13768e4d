import { type Database, getAlert, muteAlert, type RecordedAlert } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'

/** 30 days: who wants no notices of a kind at all leaves it out of the configuration. */
export const LONGEST_MUTE_MINUTES: number = 30 * 24 * 60

/**
 * Holds back the notices of an open alert for so many minutes; 0 ends that. Throws `NOT_FOUND`, `INVALID`,
 * and `CONFLICT` for an alert that has ended.
 */
export async function mute(
  database: Database,
  { id, minutes }: { id: string; minutes: number },
): Promise<RecordedAlert> {
  if (!Number.isInteger(minutes) || minutes < 0 || minutes > LONGEST_MUTE_MINUTES) {
    throw new BackupError('The time of a mute is not between 0 minutes and 30 days', {
      code: 'INVALID',
      hint: 'Give a time such as 2h, or 0 to end the mute.',
    })
  }
  const muted = await muteAlert(database, { id, minutes })
  if (muted !== null) return muted
  if ((await getAlert(database, id)) === null) {
    throw new BackupError('There is no such alert', { code: 'NOT_FOUND' })
  }
  throw new BackupError('The alert has ended', {
    code: 'CONFLICT',
    hint: 'Only an open alert can be muted; the mute then also holds if it comes back within that time.',
  })
}
