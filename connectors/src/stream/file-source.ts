import { BackupError } from '@telegram-backup/errors'
import { type BackupSource, type BackupType, openFile } from 'telegram-deployment-bot'
import { findFilePath } from '#stream/file-path.ts'

/** A path is opened by the send itself; a name that no text can say is opened here. Throws `INVALID` for one that came damaged. */
export async function openFileSource(
  text: string,
  options: { type: BackupType; signal?: AbortSignal | undefined },
): Promise<string | BackupSource> {
  const { path, shown } = await findFilePath(text)
  if (typeof path !== 'string') return openFile({ bytes: path, shown }, options)
  if (!path.includes('\ufffd')) return path
  // Of such bytes in an argument only this much arrives here: it would be the name of another file.
  throw new BackupError(`The name ${JSON.stringify(path)} is not UTF-8`, {
    code: 'INVALID',
    hint: 'Write it as "ls -b" prints it, in single quotes.',
  })
}
