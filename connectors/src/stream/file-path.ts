import { access, constants, lstat, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { escapeName, memberPathBytes, unescapeName } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'

export interface FilePath {
  /** For the file system; bytes for a name that is not UTF-8. */
  path: string | Buffer
  /** For records and messages; {@link findFilePath} finds the same file by it. */
  shown: string
}

/**
 * The file of that name, or else of the name that the text stands for as `ls -b` and `fetch --list` write it.
 */
export async function findFilePath(text: string): Promise<FilePath> {
  const escaped = unescapeName(text)
  if (escaped === undefined || (await lstat(text).catch(() => undefined))) return { path: text, shown: text }
  if (escaped.isWellFormed()) return { path: escaped, shown: escaped }
  return { path: memberPathBytes(escaped), shown: escapeName(resolve(escaped)) }
}

/** What shows whether a file has changed. Throws `INVALID` for a file that cannot be looked at. */
export async function lookAtFile(text: string): Promise<{ size: number; modifiedAt: Date }> {
  const { path } = await findFilePath(text)
  const facts = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BackupError(`The file ${text} cannot be read: ${cause.code}`, { code: 'INVALID', cause })
  })
  // Never the size of a file.
  return { size: facts.isFile() ? facts.size : -1, modifiedAt: facts.mtime }
}

/** Throws `INVALID` unless there is a readable file, or a link to one. */
export async function assertReadableFile(name: string): Promise<void> {
  const { path, shown } = await findFilePath(name)
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'it does not exist' : error.code
    throw refusal(`The file ${shown} cannot be read: ${reason}`, 'Check the path.')
  })
  if (!facts.isFile())
    throw refusal(`${shown} is not a file`, 'For a directory, use the setting "directory:".')
  await access(path, constants.R_OK).catch(() => {
    throw refusal(`The file ${shown} cannot be read: no permission`, 'Run as a user who may read it.')
  })
}

function refusal(message: string, hint: string): BackupError {
  return new BackupError(message, { code: 'INVALID', hint })
}
