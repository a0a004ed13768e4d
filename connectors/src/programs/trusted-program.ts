import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { followLinks } from '#programs/others-links.ts'

const WRITABLE_BY_GROUP_OR_ALL = 0o022
const WRITABLE_BY_ALL = 0o002
/** In such a folder, only owners may rename or delete. */
const STICKY = 0o1000

/**
 * Why a program that the configuration names is not run: another user could put commands into it, which would
 * then run with our rights. Undefined for a program that can be run.
 * @param path absolute
 */
export async function whyNotRun(path: string): Promise<string | undefined> {
  try {
    const { path: real, foreignLinks } = await followLinks(Buffer.from(path))
    const [link] = foreignLinks
    if (link !== undefined) return `${link.place} is a link of another user`
    const [file, folder] = await Promise.all([stat(real), stat(dirname(real.toString()))])
    if (!file.isFile()) return 'it is not a file'
    if (!isTrusted(file.uid)) return `it belongs to another user (uid ${file.uid})`
    if ((file.mode & WRITABLE_BY_GROUP_OR_ALL) !== 0) return 'it can be written by other users; chmod go-w it'
    const isOpen = (folder.mode & WRITABLE_BY_ALL) !== 0 && (folder.mode & STICKY) === 0
    if (!isTrusted(folder.uid) || isOpen) return 'it lies in a folder that other users can write to'
    await access(real, constants.X_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'it does not exist'
    return code === 'EACCES'
      ? 'it cannot be executed by this user; chmod +x it'
      : `it cannot be read (${code})`
  }
}

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}
