import { type BackupDetails, changeTags, type Database } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { type BackupWords, findBackup } from '#operations/find-backup.ts'
import { readTags } from '#units/tags.ts'

export interface TagRequest extends BackupWords {
  add: readonly string[]
  remove: readonly string[]
}

/**
 * Adds tags to a complete backup and removes others; a tag that is in both is removed. The caller brings the
 * indexes in the chats up to date. Throws what {@link findBackup} throws, `USAGE` for a bad tag, and
 * `CONFLICT` for a backup that is not complete.
 */
export async function tag(
  database: Database,
  { add, remove, ...words }: TagRequest,
  hooks: { note: (line: string) => void },
): Promise<{ backup: BackupDetails; tags: string[] }> {
  const change = { add: readTags(add), remove: readTags(remove) }
  const backup = await findBackup(database, words, hooks)
  const tags = await changeTags(database, backup.id, change)
  if (tags !== null) return { backup, tags }
  throw new BackupError(`Backup ${backup.id} is ${backup.state}: only a complete backup can be tagged`, {
    code: 'CONFLICT',
    hint: hint`${run('list', { state: 'complete' })} lists the complete ones.`,
  })
}
