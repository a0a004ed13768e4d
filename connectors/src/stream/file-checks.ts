import { access, constants, stat } from 'node:fs/promises'
import { BackupError } from '@telegram-backup/errors'
import { findFilePath } from '#stream/file-path.ts'

/** Throws `INVALID` unless there is a readable file, or a link to one. */
export async function assertReadableFile(name: string): Promise<void> {
  const { path, shown } = await findFilePath(name)
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'it does not exist' : error.code
    throw refusal(`The file ${shown} cannot be read: ${reason}`, 'Check the path.')
  })
  if (!facts.isFile()) throw refusal(`${shown} is no file`, 'A directory is a source by "directory:".')
  await access(path, constants.R_OK).catch(() => {
    throw refusal(`The file ${shown} cannot be read: no permission`, 'Run as a user who may read it.')
  })
}

function refusal(message: string, hint: string): BackupError {
  return new BackupError(message, { code: 'INVALID', hint })
}
