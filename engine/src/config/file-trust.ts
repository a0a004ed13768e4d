import { type FileHandle, lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

const WRITABLE_BY_GROUP_OR_ALL = 0o022
/** In such a folder, only owners may rename or delete. */
const STICKY = 0o1000

/** Why a file is not trusted, in words that follow its name. */
export interface Distrust {
  kind: 'not a file' | 'link' | 'owner' | 'mode' | 'folder'
  words: string
}

/**
 * Whether another user may have chosen or written a file: it must be a plain file of this user or root, not
 * be reached by a link of another user, and not be writable by others. For root, the same holds for its
 * folder. Undefined for a file that can be trusted.
 * @param file open, so that the file that is checked is the file that is read
 */
export async function distrustOf(file: FileHandle, path: string): Promise<Distrust | undefined> {
  const status = await file.stat()
  if (!status.isFile()) return { kind: 'not a file', words: 'is not a file' }
  const named = await lstat(path)
  // Another user's link could choose one of our files, such as one restored from that user's backup.
  const owners = [status.uid, ...(named.isSymbolicLink() ? [named.uid] : [])]
  const stranger = owners.find(uid => !isTrusted(uid))
  if (stranger !== undefined) return { kind: 'owner', words: `belongs to another user (uid ${stranger})` }
  // A link that was there when the file was opened, and has been replaced since.
  if (!named.isSymbolicLink() && (named.ino !== status.ino || named.dev !== status.dev))
    return { kind: 'link', words: 'was replaced while it was read' }
  if ((status.mode & WRITABLE_BY_GROUP_OR_ALL) !== 0)
    return { kind: 'mode', words: 'can be written by other users' }
  if (process.geteuid?.() !== 0) return undefined
  const folder = await stat(dirname(path))
  const isOpen = (folder.mode & WRITABLE_BY_GROUP_OR_ALL) !== 0 && (folder.mode & STICKY) === 0
  if (isTrusted(folder.uid) && !isOpen) return undefined
  return { kind: 'folder', words: 'lies in a folder that other users can write to' }
}

/** Windows has no user ids. */
function isTrusted(uid: number): boolean {
  const own = process.geteuid?.()
  return own === undefined || uid === own || uid === 0
}
