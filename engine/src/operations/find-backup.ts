import { type BackupDetails, type Database, findBackupId, getBackupDetails } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'

/** The backup with that id, or with the id that begins so (at least eight characters). Throws `NOT_FOUND`. */
export async function findBackup(database: Database, id: string): Promise<BackupDetails> {
  const found = await findBackupId(database, id.trim())
  const backup = found === null ? null : await getBackupDetails(database, found)
  if (backup !== null) return backup
  throw new BackupError(`No backup has the id ${JSON.stringify(id.slice(0, 80))}`, {
    code: 'NOT_FOUND',
    hint: hint`${run('list')} shows the ids; the first eight characters are enough.`,
  })
}
