import { type FileHandle, lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupError } from '@telegram-backup/errors'

const WRITABLE_BY_GROUP_OR_ALL = 0o022
const WRITABLE_BY_ALL = 0o002
/** In such a folder, only owners may rename or delete. */
const STICKY = 0o1000

/**
 * Refuses a configuration file that another user may have written: it decides what is read, what is
 * overwritten, and where passwords are sent. A file that was found must belong to this user or root, not be
 * reached by a link of another user, and not be writable by others; for root, the same holds for its folder.
 * A file that was named may have any owner, as in containers, but not be writable by everyone. Throws
 * `CONFIGURATION`.
 * @param file open, so that the file that is checked is the file that is read
 */
export async function assertOwnConfiguration(
  file: FileHandle,
  { path, isNamed }: { path: string; isNamed: boolean },
): Promise<void> {
  const status = await file.stat()
  const { uid, mode } = status
  if (isNamed) {
    // /dev/null is writable by everyone.
    if (status.isFile() && (mode & WRITABLE_BY_ALL) !== 0)
      throw notOurs(path, 'can be written by everyone', `chmod o-w ${path}`)
    return
  }
  if (!status.isFile()) throw notOurs(path, 'is not a file', 'Remove it, or run in another folder')
  const named = await lstat(path)
  // Another user's link could choose one of our files, such as one restored from that user's backup.
  const stranger = [uid, ...(named.isSymbolicLink() ? [named.uid] : [])].find(owner => !isTrusted(owner))
  if (stranger !== undefined)
    throw notOurs(
      path,
      `belongs to another user (uid ${stranger})`,
      'If you want this file, set TELEGRAM_BACKUP_CONFIG to its path',
    )
  if ((mode & WRITABLE_BY_GROUP_OR_ALL) !== 0)
    throw notOurs(path, 'can be written by other users', `chmod go-w ${path}`)
  if (process.geteuid?.() !== 0) return
  const folder = await stat(dirname(path))
  const isOpen = (folder.mode & WRITABLE_BY_GROUP_OR_ALL) !== 0 && (folder.mode & STICKY) === 0
  if (!isTrusted(folder.uid) || isOpen) {
    const hint =
      'If you want this file, set TELEGRAM_BACKUP_CONFIG to its path, or run in a folder of your own'
    throw notOurs(path, 'lies in a folder that other users can write to', hint)
  }
}

/** Windows has no user ids. */
function isTrusted(uid: number): boolean {
  const own = process.geteuid?.()
  return own === undefined || uid === own || uid === 0
}

function notOurs(path: string, why: string, todo: string): BackupError {
  return new BackupError(`The configuration file ${path} ${why}, so it is not used`, {
    code: 'CONFIGURATION',
    hint: `It could send passwords and the token elsewhere. ${todo}.`,
  })
}
