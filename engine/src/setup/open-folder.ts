import { chmod, mkdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { tryMutex } from '@telegram-backup/database'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { removeUnfinished } from '#durable-files.ts'

const WRITABLE_BY_OTHERS = 0o022
/** Root's embedded catalog runs as another user, who has to pass; the files in it are closed. */
const ROOTS_MODE = 0o711
const OWNERS_MODE = 0o700

/** A folder that one set-up works in at a time. */
export interface HeldSetupFolder {
  /** Absolute, without links. */
  path: string
  isNew: boolean
  close(): void
}

/**
 * Makes the folder if need be, and keeps every other set-up out of it until it is closed. Removes what killed
 * runs began to write. Throws `CONFIGURATION` for a folder that others own or can write to, and `CONFLICT`
 * while another set-up works there.
 */
export async function openSetupFolder(named: string): Promise<HeldSetupFolder> {
  const isNew = await makeFolder(resolve(named))
  const path = await realpath(named)
  const { uid, mode } = await stat(path)
  if (uid !== (process.geteuid?.() ?? uid)) throw notOurs(path, 'belongs to another user')
  if ((mode & WRITABLE_BY_OTHERS) !== 0) throw notOurs(path, 'can be written by other users')
  const lock = tryMutex(join(path, 'init.lock'), 'The set-up')
  if (lock === undefined) {
    throw new BackupError(`Another set-up works in ${path}`, {
      code: 'CONFLICT',
      hint: 'Wait until it has ended; then this one goes on from there.',
    })
  }
  try {
    await removeUnfinished(path)
    return { path, isNew, close: () => lock.close() }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** Makes it with its missing parents; true when it was not there. */
export async function makeFolder(path: string): Promise<boolean> {
  const isThere = await stat(path).then(
    facts => facts.isDirectory(),
    () => false,
  )
  if (isThere) return false
  try {
    await makeParents(dirname(path))
    await mkdir(path, { mode: OWNERS_MODE })
    if (process.geteuid?.() === 0) await chmod(path, ROOTS_MODE)
    return true
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new BackupError(`The folder ${path} cannot be made (${code})`, {
      code: 'CONFIGURATION',
      hint: hint`Choose another one with ${option('folder', 'DIR')}, or run as a user who may make it.`,
      cause,
    })
  }
}

async function makeParents(path: string): Promise<void> {
  if (path === dirname(path) || (await stat(path).catch(() => undefined))?.isDirectory()) return
  await makeParents(dirname(path))
  await mkdir(path, { mode: 0o755 })
}

function notOurs(path: string, why: string): BackupError {
  return new BackupError(`The folder ${path} ${why}, and keys would lie in it`, {
    code: 'CONFIGURATION',
    hint: hint`Choose a folder of your own with ${option('folder', 'DIR')}; a new one is made if need be.`,
  })
}
