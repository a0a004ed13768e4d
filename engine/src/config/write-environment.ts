import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { readTrusted } from '#config/environment-files.ts'
import { changeAssignments, formatAssignment } from '#config/environment-syntax.ts'

/**
 * Makes an environment file that only its owner can read. It appears whole, with its data on the disk, or not
 * at all, and a file that exists is never replaced: then `CONFIGURATION` is thrown.
 * @param comment lines for people, without `#`
 */
export async function createEnvironmentFile(
  path: string,
  values: Readonly<Record<string, string>>,
  comment: readonly string[] = [],
): Promise<void> {
  const lines = comment.map(line => `# ${line}\n`)
  const assignments = Object.entries(values).map(([name, value]) => formatAssignment(name, value))
  const temporary = await writeBeside(path, [...lines, ...assignments].join(''))
  try {
    await link(temporary, path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new BackupError(
      code === 'EEXIST'
        ? `The environment file ${path} already exists, and is not replaced`
        : `The environment file ${path} cannot be written (${code})`,
      { code: 'CONFIGURATION', hint: 'Change the file by hand, or choose another folder.', cause },
    )
  } finally {
    await rm(temporary, { force: true })
  }
  await syncFolder(dirname(path))
}

/**
 * Changes values of an environment file that exists: all at once or not at all, with the same owner and mode.
 * Other lines stay, undefined removes a name, and a link to the file stays a link. Throws `CONFIGURATION`.
 */
export async function changeEnvironmentFile(
  path: string,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const text = await readTrusted(path)
  if (text !== undefined) return await replaceText(path, changeAssignments(text, changes))
  throw new BackupError(`The environment file ${path} does not exist any more`, {
    code: 'CONFIGURATION',
    hint: 'Run the command again: it uses the files that are there then.',
  })
}

/** Gives a file that exists another text: at once or not at all, with the same owner and mode. */
export async function replaceText(path: string, text: string): Promise<void> {
  const place = await realpath(path)
  const temporary = await writeBeside(place, text, await stat(place))
  try {
    await rename(temporary, place)
  } catch (error) {
    await rm(temporary, { force: true })
    throw unwritable(path, error)
  }
  await syncFolder(dirname(place))
}

async function writeBeside(
  path: string,
  text: string,
  like?: { uid: number; gid: number; mode: number },
): Promise<string> {
  const name = `.${basename(path)}.${randomBytes(6).toString('hex')}`
  const temporary = join(dirname(path), name)
  let file: FileHandle
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    file = await open(temporary, flags, 0o600)
  } catch (error) {
    throw unwritable(path, error)
  }
  try {
    if (like !== undefined) {
      // The owner first: a file of another group must never be readable to that group by mistake.
      const { uid, gid } = await file.stat()
      if (uid !== like.uid || gid !== like.gid) await file.chown(like.uid, like.gid)
      await file.chmod(like.mode & 0o7777)
    }
    await file.writeFile(text)
    await file.sync()
    return temporary
  } catch (error) {
    await rm(temporary, { force: true })
    throw unwritable(path, error)
  } finally {
    await file.close()
  }
}

/** A new name survives a power cut only once its folder is on the disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function unwritable(path: string, cause: unknown): BackupError {
  const { code } = cause as NodeJS.ErrnoException
  return new BackupError(`${path} cannot be written (${code})`, {
    code: 'CONFIGURATION',
    hint: 'Run the command as the user that the file belongs to, and check the disk.',
    cause,
  })
}
