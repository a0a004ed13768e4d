import { access, constants, lstat, realpath } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import { BackupError, describeError, type Hint, hint, option } from '@telegram-backup/errors'
import type { BackupType } from 'telegram-deployment-bot'
import type { DirectoryChoice } from '#directory/settings.ts'
import { type Finding, oddType } from '#finding.ts'
import { findTar } from '#programs/tar-program.ts'

/**
 * Throws `INVALID` unless the path is a readable directory. A symbolic link is refused, since what it points
 * to may change unnoticed; with a slash at its end it is followed.
 */
export async function assertReadableDirectory(path: string): Promise<void> {
  const facts = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'ENOENT' ? 'it does not exist' : error.code
    throw refusal(`The directory ${path} cannot be read: ${reason}`, 'Check the path.')
  })
  if (facts.isSymbolicLink()) {
    const target = await realpath(path).catch(() => undefined)
    throw refusal(
      `${path} is a symbolic link`,
      target === undefined ? 'It points nowhere.' : `Name what it points to: ${target}`,
    )
  }
  if (!facts.isDirectory())
    throw refusal(`${path} is not a directory`, hint`Send a file with ${option('file')}.`)
  await access(path, constants.R_OK | constants.X_OK).catch(() => {
    throw refusal(`The directory ${path} cannot be read: no permission`, 'Run as a user who may read it.')
  })
}

/** Whether the file lies in the directory or below it; false for a file that does not exist. */
export async function holdsFile(directory: string, file: string): Promise<boolean> {
  const [root = '', path = ''] = await Promise.all([realpath(directory), realpath(file)]).catch(() => [])
  return path.startsWith(root === sep ? sep : `${root}${sep}`)
}

/** `<last part of the path>.tar`. */
export function tarFileName(path: string): string {
  return `${basename(resolve(path)).replace(/\p{Cc}/gu, '_') || 'root'}.tar`
}

function refusal(message: string, hint: string | Hint): BackupError {
  return new BackupError(message, { code: 'INVALID', hint })
}

/** Throws `INVALID` for a directory that cannot be packed now. */
export async function checkDirectory(
  { path }: DirectoryChoice,
  { type }: { type: BackupType },
): Promise<Finding> {
  await assertReadableDirectory(path)
  return {
    message: `${path} can be read`,
    warning: type === 'database' ? oddType('it is a directory, and its type is database') : undefined,
  }
}

/** Which GNU tar is installed. A missing one is a warning: only directories need it. */
export async function checkTar(signal: AbortSignal): Promise<Finding> {
  try {
    const { version, keepsAttributes } = await findTar(signal)
    return {
      message: `GNU tar ${version}`,
      warning: keepsAttributes
        ? undefined
        : 'This tar was built without ACLs or extended attributes, so backups lack them.',
    }
  } catch (error) {
    const { hint = '' } = describeError(error)
    return { message: 'no GNU tar', warning: `Only needed to back up directories. ${hint}` }
  }
}
