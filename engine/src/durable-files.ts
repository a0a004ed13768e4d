import { randomBytes } from 'node:crypto'
import { link, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'

// Small files of this program, in folders that no other user can write to. After a power cut, each of them is
// there as a whole or not at all.

const OWNER_ALONE = 0o600
/** Also of an environment file. */
const UNFINISHED = /^\.(?:.+\.[0-9a-f]{12}\.partial|environment\.[0-9a-f]{12})$/

/**
 * Creates a file that only its owner can read; resolves when it is on disk. False when there is one already,
 * which stays as it is. Throws `DISK_FULL`, and `CONFIGURATION` when it cannot be written.
 */
export async function createFile(path: string, text: string): Promise<boolean> {
  return await written(path, text, async unfinished => {
    try {
      await link(unfinished, path)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    } finally {
      await rm(unfinished, { force: true })
    }
  })
}

/** As {@link createFile}, but takes the place of an existing file. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await written(path, text, unfinished => rename(unfinished, path))
}

/** Resolves when the file is gone for good; also when there was none. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncFolder(dirname(path))
}

export async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  )
}

/** Removes what killed runs began to write in this folder. Only while no other run writes there. */
export async function removeUnfinished(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter(name => UNFINISHED.test(name))
  for (const name of names) await rm(join(folder, name), { force: true })
}

async function written<Result>(
  path: string,
  text: string,
  place: (unfinished: string) => Promise<Result>,
): Promise<Result> {
  const folder = dirname(path)
  const unfinished = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
  try {
    const file = await open(unfinished, 'wx', OWNER_ALONE)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    const result = await place(unfinished)
    await syncFolder(folder)
    return result
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw unwritten(path, error as NodeJS.ErrnoException)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unwritten(path: string, cause: NodeJS.ErrnoException): BackupError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new BackupError(`The disk is full: ${path} was not written`, {
      code: 'DISK_FULL',
      hint: 'Free some space, then try again.',
      cause,
    })
  }
  return new BackupError(`${path} cannot be written (${cause.code ?? cause.message})`, {
    code: 'CONFIGURATION',
    hint: 'Check the owner and the rights of the folder, or choose another one.',
    cause,
  })
}
