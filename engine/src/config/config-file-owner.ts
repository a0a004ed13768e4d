import { type FileHandle, lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BackupError } from '@telegram-backup/errors'

const WRITABLE_BY_GROUP_OR_ALL = 0o022
const WRITABLE_BY_ALL = 0o002
/** Only owners may rename or delete what lies in such a folder. */
const STICKY = 0o1000

/**
 * Refuses a configuration file that somebody else may have written: it says what is read, where it is
 * restored to, and where passwords are sent. One that was found, and not named, must be a file of the present
 * user's or root's, reached by no link of anybody else, and nobody else may write to it; for root the same
 * goes for its folder. One that was named is taken from any owner, as containers mount it, unless everybody
 * may write to it. Throws `CONFIGURATION`.
 * @param file open, so that what is judged is what is read
 */
export async function assertOwnConfiguration(
  file: FileHandle,
  { path, isNamed }: { path: string; isNamed: boolean },
): Promise<void> {
  const status = await file.stat()
  const { uid, mode } = status
  if (isNamed) {
    // Everybody may write to /dev/null, too.
    if (status.isFile() && (mode & WRITABLE_BY_ALL) !== 0)
      throw notOurs(path, 'can be written by everyone', `chmod o-w ${path}`)
    return
  }
  if (!status.isFile()) throw notOurs(path, 'is no file', 'Remove it, or run in another folder')
  const named = await lstat(path)
  // Otherwise others choose which of our files is meant: one that was restored out of a backup of theirs,
  // say.
  const stranger = [uid, ...(named.isSymbolicLink() ? [named.uid] : [])].find(owner => !isTrusted(owner))
  if (stranger !== undefined)
    throw notOurs(
      path,
      `belongs to another user (uid ${stranger})`,
      'Set TELEGRAM_BACKUP_CONFIG to it if it is meant',
    )
  if ((mode & WRITABLE_BY_GROUP_OR_ALL) !== 0)
    throw notOurs(path, 'can be written by other users', `chmod go-w ${path}`)
  if (process.geteuid?.() !== 0) return
  const folder = await stat(dirname(path))
  const isOpen = (folder.mode & WRITABLE_BY_GROUP_OR_ALL) !== 0 && (folder.mode & STICKY) === 0
  if (!isTrusted(folder.uid) || isOpen) {
    const hint = 'Set TELEGRAM_BACKUP_CONFIG to it if it is meant, or run in a folder of your own'
    throw notOurs(path, 'lies in a folder that other users can write to', hint)
  }
}

/** Without user ids there is nobody to tell apart. */
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
