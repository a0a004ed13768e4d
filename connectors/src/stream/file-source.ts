import { BackupError } from '@telegram-backup/errors'
import type { FilePath } from 'telegram-deployment-bot'
import { findFilePath } from '#stream/file-path.ts'

/** The send itself opens a file. Throws `INVALID` for a name that came damaged. */
export async function openFileSource(text: string): Promise<FilePath> {
  const { path, shown } = await findFilePath(text)
  if (typeof path !== 'string') return { bytes: path, shown }
  if (!path.includes('\ufffd')) return path
  // Of such bytes in an argument only this much arrives here: it would be the name of another file.
  throw new BackupError(`The name ${JSON.stringify(path)} is not UTF-8`, {
    code: 'INVALID',
    hint: 'Write it as "ls -b" prints it, in single quotes.',
  })
}
