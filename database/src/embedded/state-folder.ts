import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { hint, run } from '@telegram-backup/errors'
import { CatalogError, FULL_DISK_HINT } from '#catalog-error.ts'
import { saysDiskFull } from '#embedded/full-disk.ts'
import type { ServerUser } from '#embedded/server-user.ts'

/** Where the pieces lie in a state folder. */
export interface StateFolder {
  /** Absolute, without links. */
  path: string
  /** See `holdingMutex`. */
  mutexFile: string
  /** PostgreSQL's data folder, which also holds the socket. It appears when it is whole. */
  dataFolder: string
  logFile: string
}

const MUTEX_FILE = 'catalog.lock'
// Before there is a catalog, a send may have made the folder for the signing key, or the set-up for settings
// and keys.
const OURS =
  /^(signing-key\.pem.*|catalog\.lock|postgres-.+|postgres\.log.*|pg\d+(\.new-.+)?|environment|telegram-backup\.(yaml|service)|(backup|drill)-key\.txt|recovery-(card\.txt|key\.json)|init\.lock|\..+\.partial)$/

/**
 * Makes the folder if need be. A folder without foreign files is closed to others; root's is open to pass
 * through, since its server runs as another user. CatalogError CONFIGURATION when it cannot be made, others
 * own it or can write to it, or it holds the catalog of another PostgreSQL version.
 */
export function prepareStateFolder(folder: string, major: number): StateFolder {
  const path = realFolder(resolve(folder))
  const { uid, mode } = statSync(path)
  if (uid !== process.getuid?.()) {
    throw new CatalogError(`The state folder ${path} belongs to another user`, {
      code: 'CONFIGURATION',
      hint: 'Run as its owner, change the owner with chown, or choose another folder with TELEGRAM_BACKUP_HOME.',
    })
  }
  const entries = readdirSync(path)
  // Any other folder keeps its mode: it may be /tmp, given by mistake.
  if (isOurs(entries)) chmodSync(path, uid === 0 ? 0o711 : 0o700)
  else if ((mode & 0o022) !== 0) {
    throw new CatalogError(`The state folder ${path} can be written by other users`, {
      code: 'CONFIGURATION',
      hint: 'Choose a folder of your own with TELEGRAM_BACKUP_HOME; a new one is made if need be.',
    })
  }
  refuseOtherVersion(path, entries, major)
  return {
    path,
    mutexFile: join(path, MUTEX_FILE),
    dataFolder: join(path, `pg${major}`),
    logFile: join(path, 'postgres.log'),
  }
}

/** Whether it is a state folder, or may become one: it holds no foreign files. */
export function isOurs(entries: string[]): boolean {
  return entries.includes(MUTEX_FILE) || entries.every(name => OURS.test(name))
}

function realFolder(path: string): string {
  try {
    makeFolder(path)
    return realpathSync(path)
  } catch (error) {
    if (saysDiskFull(error)) {
      throw new CatalogError(`The state folder ${path} cannot be made: the disk is full`, {
        code: 'CATALOG',
        hint: FULL_DISK_HINT,
        cause: error,
      })
    }
    throw new CatalogError(`The state folder ${path} cannot be made`, {
      code: 'CONFIGURATION',
      hint: `${error instanceof Error ? error.message : error}. Choose another folder with TELEGRAM_BACKUP_HOME.`,
      cause: error,
    })
  }
}

/**
 * Makes a folder and its missing parents; true when it was not there. Not with Node's `recursive`, which
 * never returns where mkdir fails with ENOENT under an existing parent, as below /proc (seen in Node 24.21).
 */
export function makeFolder(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false
  if (dirname(path) !== path) makeFolder(dirname(path))
  try {
    mkdirSync(path)
    return true
  } catch (error) {
    // Another process may have been faster.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false
    throw error
  }
}

function refuseOtherVersion(path: string, entries: string[], major: number): void {
  const other = entries.find(name => /^pg\d+$/.test(name))
  if (!other || entries.includes(`pg${major}`)) return
  throw new CatalogError(`${path} holds a catalog of PostgreSQL ${other.slice(2)}, this is ${major}`, {
    code: 'CONFIGURATION',
    hint: hint`Use the version of telegram-backup that made it, or move the folder away and run "${run('recover')}".`,
  })
}

/**
 * Names the folder on the way to `path`, itself included, that `user` cannot pass; undefined when all are
 * open.
 */
export function closedAncestor(path: string, user: ServerUser): string | undefined {
  if (!user.spawnAs) return undefined
  for (let folder = realpathSync(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder)
    const bit = uid === user.uid ? 0o100 : gid === user.spawnAs.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return `${folder} is closed to user ${user.name}`
    if (folder === dirname(folder)) return undefined
  }
}

/** A path to the socket's folder that is short enough. */
export interface SocketFolder {
  path: string
  close(): void
}

// sun_path in Linux holds 107 bytes and a zero, elsewhere 103; the socket's name needs 20 of them.
const LONGEST_SOCKET_FOLDER_BYTES = 83

/** A long path is replaced by an open descriptor of the state folder, which Linux can name in short. */
export function openSocketFolder(state: StateFolder): SocketFolder {
  if (Buffer.byteLength(state.dataFolder) <= LONGEST_SOCKET_FOLDER_BYTES)
    return { path: state.dataFolder, close: () => {} }
  if (!existsSync('/proc/self/fd')) {
    throw new CatalogError(`The path of the state folder ${state.path} is too long for a socket`, {
      code: 'CONFIGURATION',
      hint: 'Choose a shorter one with TELEGRAM_BACKUP_HOME.',
    })
  }
  const folder = openSync(state.path, 'r')
  return { path: `/proc/self/fd/${folder}/${basename(state.dataFolder)}`, close: () => closeSync(folder) }
}
