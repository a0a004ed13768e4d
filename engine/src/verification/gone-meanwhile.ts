import { type Database, getBackupById } from '@telegram-backup/database'

/**
 * Whether a backup that was there has been let go of by now, be it by retention or by name. Then what cannot be found of it is as it
 * should be, and not damage.
 */
export async function isGoneMeanwhile(database: Database, backupId: string): Promise<boolean> {
  const backup = await getBackupById(database, backupId)
  return backup === null || backup.state === 'erasing' || backup.state === 'erased'
}
