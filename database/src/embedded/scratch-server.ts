import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CatalogError, errorCode } from '#catalog-error.ts'
import { CLEAN_ENVIRONMENT } from '#embedded/clean-environment.ts'
import { canConfine, confining } from '#embedded/confinement.ts'
import { EmbeddedServer } from '#embedded/embedded-server.ts'
import { SOCKET_PORT } from '#embedded/postmaster.ts'
import { type FolderIdentity, identify, killProcessesIn, processesIn, signal } from '#embedded/processes.ts'
import { addExtensions } from '#embedded/scratch-extensions.ts'
import { isInUse, markAsOurs } from '#embedded/scratch-owner.ts'
import type { ServerProfile } from '#embedded/server-profile.ts'
import { drillUser } from '#embedded/server-user.ts'
import { makeFolder } from '#embedded/state-folder.ts'

/** A temporary folder, for a PostgreSQL server for example. */
export interface ScratchFolder {
  /** Absolute; holds only the mark of its owner, who alone can enter it. */
  readonly path: string
  /** Kills what still works in it and deletes it. May be called repeatedly. */
  discard(): Promise<void>
}

/** A temporary PostgreSQL server. The account that started it needs no password on its socket. */
export interface ScratchServer {
  /** The folder of its Unix socket. */
  readonly host: string
  readonly port: number
  /** Random, so that no dump can know it. */
  readonly superuser: string
  /** Roles that may log in once the caller has made them: one restores, one reads the result. */
  readonly restorer: string
  readonly reader: string
  /** Whether Landlock limits it to its own folder, its programs and the system's libraries. */
  readonly isConfined: boolean
  /** Stops it; its data lies in its folder until that is discarded. */
  stop(): Promise<void>
}

const NAME = /^drill-[0-9a-f]{8}$/
const SERVER = 'server'

/** Its data need not survive a power cut, and one transaction restores a dump, which locks every table. */
const SETTINGS: readonly string[] = [
  'fsync=off',
  'full_page_writes=off',
  'max_connections=20',
  'max_locks_per_transaction=4096',
  'max_wal_size=1GB',
  // In the data folder, and not in one that all accounts share.
  'dynamic_shared_memory_type=mmap',
]

/**
 * Makes a folder in the state folder. First removes folders and servers that killed processes left; those of
 * another container go an hour later. CatalogError CATALOG when `sizeBytes` do not fit on that disk.
 */
export async function makeScratchFolder(stateFolder: string, sizeBytes: number): Promise<ScratchFolder> {
  makeFolder(stateFolder)
  for (const name of readdirSync(stateFolder).filter(entry => NAME.test(entry))) {
    const left = join(stateFolder, name)
    if (!isInUse(left)) await removeFolder(left)
  }
  const disk = await statfs(stateFolder)
  const freeBytes = disk.bavail * disk.bsize
  if (freeBytes < sizeBytes) {
    throw new CatalogError(
      `The disk of ${stateFolder} has ${freeBytes} free bytes; ${sizeBytes} are needed`,
      {
        code: 'CATALOG',
        hint: 'Free some room, or choose a state folder on another disk with TELEGRAM_BACKUP_HOME.',
      },
    )
  }
  const path = join(stateFolder, `drill-${randomBytes(4).toString('hex')}`)
  await mkdir(path, { mode: 0o700 })
  const stopMarking = markAsOurs(path)
  const removeAtExit = (): void => {
    const data = dataFolderIn(path)
    for (const pid of data ? processesIn(data) : []) signal(pid, 'SIGKILL')
    remove(path)
  }
  process.once('exit', removeAtExit)
  return {
    path,
    discard: async () => {
      await removeFolder(path)
      stopMarking()
      process.off('exit', removeAtExit)
    },
  }
}

/** Starts a server in the folder. CatalogError CONFIGURATION or CATALOG, as for the embedded catalog. */
export async function startScratchServer(folder: ScratchFolder, end?: AbortSignal): Promise<ScratchServer> {
  // Root's server runs as another user, who must be able to pass through.
  if (process.getuid?.() === 0) chmodSync(folder.path, 0o711)
  const mark = randomBytes(8).toString('hex')
  const names = {
    superuser: `drill_${mark}_superuser`,
    restorer: `drill_${mark}`,
    reader: `drill_${mark}_reader`,
  }
  let isConfined = false
  const profile: ServerProfile = {
    logins: [names.superuser, names.restorer, names.reader],
    user: async () => drillUser(ownerOfCatalog(dirname(folder.path))),
    remark: () => undefined,
    prepare: of => {
      const prefix = confining(of)
      isConfined = prefix.length > 0
      return { settings: [...SETTINGS, ...addExtensions(of)], prefix }
    },
  }
  const server = await EmbeddedServer.enter(join(folder.path, SERVER), { signal: end, profile })
  return {
    ...names,
    isConfined,
    // A long path is named by a descriptor of this process, under whose pid other processes find it.
    host: String(server.connection.host).replace(/^\/proc\/self\//, `/proc/${process.pid}/`),
    port: SOCKET_PORT,
    stop: () => server.leave(),
  }
}

/**
 * The account that would run such a server, and whether it {@link ScratchServer.isConfined}. CatalogError
 * CONFIGURATION when there is none.
 */
export function describeScratchServer(stateFolder: string): {
  account: string
  isOwnAccount: boolean
  isConfined: boolean
} {
  const { name, spawnAs } = drillUser(existsSync(stateFolder) ? ownerOfCatalog(stateFolder) : undefined)
  return { account: name, isOwnAccount: spawnAs !== undefined, isConfined: canConfine() }
}

/** The data folder of the embedded catalog in that state folder, if any. */
function ownerOfCatalog(stateFolder: string): FolderIdentity | undefined {
  const data = readdirSync(stateFolder).find(name => /^pg\d+$/.test(name))
  return data === undefined ? undefined : identify(join(stateFolder, data))
}

async function removeFolder(path: string): Promise<void> {
  const data = dataFolderIn(path)
  if (data) await killProcessesIn(data)
  remove(path)
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  } catch (error) {
    // A restored folder may be closed to its owner; links are not followed.
    if (errorCode(error) !== 'EACCES') throw error
    execFileSync('chmod', ['-R', 'u+rwX', path], { stdio: 'ignore', env: CLEAN_ENVIRONMENT })
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** The data folder of the server in that folder, if any; an unfinished one has another name. */
function dataFolderIn(path: string): FolderIdentity | undefined {
  const server = join(path, SERVER)
  const name = existsSync(server)
    ? readdirSync(server).find(entry => /^pg\d+(\.new-.+)?$/.test(entry))
    : undefined
  return name === undefined ? undefined : identify(join(server, name))
}
