import type { FileHandle } from 'node:fs/promises'
import { BackupError } from '@telegram-backup/errors'
import { type Distrust, distrustOf } from '#config/file-trust.ts'

const WRITABLE_BY_ALL = 0o002

/**
 * Refuses a configuration file that another user may have written: it decides what is read, what is
 * overwritten, and where passwords are sent. A file that was found must be one that {@link distrustOf}
 * trusts. A file that was named may have any owner, as in containers, but not be writable by everyone. Throws
 * `CONFIGURATION`.
 * @param file open, so that the file that is checked is the file that is read
 */
export async function assertOwnConfiguration(
  file: FileHandle,
  { path, isNamed }: { path: string; isNamed: boolean },
): Promise<void> {
  if (isNamed) {
    const status = await file.stat()
    // /dev/null is writable by everyone.
    if (status.isFile() && (status.mode & WRITABLE_BY_ALL) !== 0)
      throw notOurs(path, 'can be written by everyone', `chmod o-w ${path}`)
    return
  }
  const distrust = await distrustOf(file, path)
  if (distrust !== undefined) throw notOurs(path, distrust.words, TODO[distrust.kind](path))
}

const TODO: Readonly<Record<Distrust['kind'], (path: string) => string>> = {
  'not a file': () => 'Remove it, or run in another folder',
  link: () => 'Run in a folder of your own',
  owner: () => 'If you want this file, set TELEGRAM_BACKUP_CONFIG to its path',
  mode: path => `chmod go-w ${path}`,
  folder: () =>
    'If you want this file, set TELEGRAM_BACKUP_CONFIG to its path, or run in a folder of your own',
}

function notOurs(path: string, why: string, todo: string): BackupError {
  return new BackupError(`The configuration file ${path} ${why}, so it is not used`, {
    code: 'CONFIGURATION',
    hint: `It could send passwords and the token elsewhere. ${todo}.`,
  })
}
