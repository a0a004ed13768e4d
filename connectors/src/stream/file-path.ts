import { lstat, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { escapeName, memberPathBytes, unescapeName } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'

/** A file to be read. */
export interface FilePath {
  /** For the file system: bytes where no text can say them. */
  path: string | Buffer
  /** For records and messages; read again by {@link findFilePath}, it is the same file. */
  shown: string
}

/** The file of that very name, or, where there is none, the one whose name was written as `ls -b` and `fetch --list` do. */
export async function findFilePath(text: string): Promise<FilePath> {
  const escaped = unescapeName(text)
  if (escaped === undefined || (await lstat(text).catch(() => undefined))) return { path: text, shown: text }
  if (escaped.isWellFormed()) return { path: escaped, shown: escaped }
  return { path: memberPathBytes(escaped), shown: escapeName(resolve(escaped)) }
}

/** What tells whether a file was changed. Throws `INVALID` for one that cannot be looked at. */
export async function lookAtFile(text: string): Promise<{ size: number; modifiedAt: Date }> {
  const { path } = await findFilePath(text)
  const facts = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BackupError(`The file ${text} cannot be read: ${cause.code}`, { code: 'INVALID', cause })
  })
  // What is no file has no size that could be that of the file before.
  return { size: facts.isFile() ? facts.size : -1, modifiedAt: facts.mtime }
}
