import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

// Small files that only their owner can read, such as keys and settings. After a power cut, each of them is
// there as a whole or not at all.

const OWNER_ALONE = 0o600
const UNFINISHED = /^\..+\.[0-9a-f]{12}\.partial$/

type Rights = Pick<Stats, 'uid' | 'gid' | 'mode'>

/** Whether the file of that name is one that a killed process began to write. */
export function isUnfinished(name: string): boolean {
  return UNFINISHED.test(name)
}

/**
 * Creates a file; resolves when it is on disk. False when there is one already, which stays as it is. Throws
 * system errors.
 */
export async function createFile(path: string, text: string): Promise<boolean> {
  return await written(path, text, async unfinished => {
    try {
      // A link appears complete or not at all, and never replaces a file.
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

/**
 * As {@link createFile}, but takes the place of an existing file, with the same owner and mode. A link to
 * that file stays a link.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const place = await realpath(path).catch(() => path)
  await replaceFileWith(place, text, await stat(place).catch(() => undefined))
}

/** As {@link replaceFile}, but with this owner and mode; a link is replaced itself. */
export async function replaceFileWith(path: string, text: string, like: Rights | undefined): Promise<void> {
  await written(path, text, unfinished => rename(unfinished, path), like)
}

/** A new name, or a name that is gone, survives a power cut only once its folder is on disk. */
export async function syncFolderOf(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function written<Result>(
  path: string,
  text: string,
  place: (unfinished: string) => Promise<Result>,
  like?: Rights,
): Promise<Result> {
  const unfinished = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
  const file = await open(unfinished, 'wx', OWNER_ALONE)
  try {
    try {
      if (like !== undefined) await giveTo(file, like)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    const result = await place(unfinished)
    await syncFolderOf(path)
    return result
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw error
  }
}

async function giveTo(file: FileHandle, like: Rights): Promise<void> {
  // The owner first: a file of another group must never be readable to that group by mistake.
  const { uid, gid } = await file.stat()
  if (uid !== like.uid || gid !== like.gid) await file.chown(like.uid, like.gid)
  await file.chmod(like.mode & 0o7777)
}
