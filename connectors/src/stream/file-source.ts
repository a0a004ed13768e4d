import { fstatSync, readlinkSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { memberPathBytes, memberPathOf } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import { type BackupSource, type BackupType, openFile } from 'telegram-deployment-bot'
import { type FollowedPath, followLinks, holdsOpenFiles } from '#programs/others-links.ts'
import { findFilePath } from '#stream/file-path.ts'

/**
 * Opens a file that is to be sent. Whoever may write where it lies has his own files sent, not what his links lead to. Throws `INVALID` for a name that
 * came damaged and for what cannot be read, `SOURCE` for another user's link to what is not his.
 * @param options.waits for the writer of a FIFO; else one is refused
 */
export async function openFileSource(
  text: string,
  options: { type: BackupType; waits: boolean; signal?: AbortSignal | undefined },
): Promise<BackupSource> {
  const { path, shown } = await findFilePath(text)
  if (typeof path === 'string' && path.includes('\ufffd')) {
    // Of such bytes in an argument only this much arrives here: it would be the name of another file.
    throw new BackupError(`The name ${JSON.stringify(path)} is not UTF-8`, {
      code: 'INVALID',
      hint: 'Write it as "ls -b" prints it, in single quotes.',
    })
  }
  const given = typeof path === 'string' ? memberPathBytes(resolve(path)) : path
  // What is wrong with a path, opening it tells.
  const followed = await followLinks(given).catch(() => ({ path: given, strangers: [] }))
  const source = await openFile({ bytes: followed.path, shown }, options)
  try {
    assertMeant(source, followed, shown)
    return source
  } catch (error) {
    await source.close()
    throw error
  }
}

/** What was opened is what the path led to, and each link of another user led to a file of his. */
function assertMeant(
  { archiveSource }: BackupSource,
  { path, strangers }: FollowedPath,
  shown: string,
): void {
  if (!('fd' in archiveSource)) return
  const { fd } = archiveSource
  const { uid } = fstatSync(fd)
  const stranger = strangers.find(link => link.uid !== uid)
  if (stranger !== undefined) {
    throw new BackupError(`${stranger.place} is a link of another user, to a file that is not his`, {
      code: 'SOURCE',
      hint: 'Name the file itself, if it is meant.',
    })
  }
  const place = placeOf(fd)
  if (
    place === undefined ||
    place.equals(path) ||
    holdsOpenFiles(memberPathBytes(dirname(memberPathOf(path))))
  )
    return
  throw new BackupError(`Somebody exchanged ${shown} for something else while it was opened`, {
    code: 'SOURCE',
    hint: 'Send it from a folder where no other user may write.',
  })
}

/** Where an open file lies; undefined where there is no /proc. */
function placeOf(fd: number): Buffer | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, 'buffer')
  } catch {
    return undefined
  }
}
