import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as durable from '@telegram-backup/archive/durable-files'
import { BackupError } from '@telegram-backup/errors'

// Small files of this program, in folders that no other user can write to.

/**
 * Creates a file that only its owner can read; resolves when it is on disk. False when there is one already,
 * which stays as it is. Throws `DISK_FULL`, and `CONFIGURATION` when it cannot be written.
 */
export async function createFile(path: string, text: string): Promise<boolean> {
  return await durable.createFile(path, text).catch(error => failed(path, error))
}

/** As {@link createFile}, but takes the place of an existing file, with its owner and mode; links stay. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await durable.replaceFile(path, text).catch(error => failed(path, error))
}

/** Resolves when the file is gone for good; also when there was none. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
  await durable.syncFolderOf(path)
}

export async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  )
}

/** Removes what killed runs began to write in this folder. Only while no other run writes there. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter(durable.isUnfinished)
  for (const name of names) await rm(join(folder, name), { force: true })
}

function failed(path: string, cause: NodeJS.ErrnoException): never {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    throw new BackupError(`The disk is full: ${path} was not written`, {
      code: 'DISK_FULL',
      hint: 'Free some space, then try again.',
      cause,
    })
  }
  throw new BackupError(`${path} cannot be written (${cause.code ?? cause.message})`, {
    code: 'CONFIGURATION',
    hint: 'Run the command as the user that the file and its folder belong to, or choose another folder.',
    cause,
  })
}
