import { fstatSync, readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { memberPathBytes, memberPathOf } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import { type BackupSource, type BackupType, openFile } from 'telegram-deployment-bot'
import { type FollowedPath, followLinks, holdsOpenFiles } from '#programs/others-links.ts'
import { findHoles } from '#stream/file-holes.ts'
import { findFilePath } from '#stream/file-path.ts'

/**
 * Opens a file to send. A link of another user must lead to that user's own file: somebody who may write in
 * the folder must not have our files sent. Throws `INVALID` for a damaged name and for what cannot be read,
 * `SOURCE` for such a link.
 * @param options.waits for the writer of a FIFO; else a FIFO is refused
 */
export async function openFileSource(
  text: string,
  options: { type: BackupType; waits: boolean; signal?: AbortSignal | undefined },
): Promise<BackupSource> {
  const { path, shown } = await findFilePath(text)
  if (typeof path === 'string' && path.includes('\ufffd')) {
    // Node has replaced the bytes of the argument: it would be the name of another file.
    throw new BackupError(`The name ${JSON.stringify(path)} is not UTF-8`, {
      code: 'INVALID',
      hint: 'Write it as "ls -b" prints it, in single quotes.',
    })
  }
  const given = typeof path === 'string' ? memberPathBytes(resolve(path)) : path
  // Opening the path reports what is wrong with it.
  const followed = await followLinks(given).catch(() => ({ path: given, foreignLinks: [] }))
  const source = await openFile({ bytes: followed.path, shown }, options)
  try {
    assertMeant(source, followed, shown)
    const { archiveSource } = source
    // A log may be written to while it is read: a hole may be filled then. Any other file fails the backup.
    if (!('fd' in archiveSource) || options.type === 'logs') return source
    const { fd } = archiveSource
    return { ...source, archiveSource: { fd, holes: await findHoles(fd, options.signal) } }
  } catch (error) {
    await source.close()
    throw error
  }
}

/** Throws `SOURCE` if the path changed, or a user's link leads to another user's file. */
function assertMeant(
  { archiveSource }: BackupSource,
  { path, foreignLinks }: FollowedPath,
  shown: string,
): void {
  if (!('fd' in archiveSource)) return
  const { fd } = archiveSource
  const { uid } = fstatSync(fd)
  const misleading = foreignLinks.find(link => link.uid !== uid)
  if (misleading !== undefined) {
    throw new BackupError(
      `${misleading.place} is a link that belongs to another user, who does not own the file`,
      {
        code: 'SOURCE',
        hint: 'If you want this file, give its own path.',
      },
    )
  }
  const place = placeOf(fd)
  if (
    place === undefined ||
    place.equals(path) ||
    holdsOpenFiles(memberPathBytes(dirname(memberPathOf(path))))
  )
    return
  throw new BackupError(`Somebody replaced ${shown} while it was opened`, {
    code: 'SOURCE',
    hint: 'Send it from a folder where no other user may write.',
  })
}

/** The path of an open file; undefined without /proc. */
function placeOf(fd: number): Buffer | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, 'buffer')
  } catch {
    return undefined
  }
}
