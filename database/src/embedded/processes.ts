import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { CatalogError } from '#catalog-error.ts'
import { CLEAN_ENVIRONMENT } from '#embedded/clean-environment.ts'

/** A folder that stays recognisable when it is renamed or deleted. */
export interface FolderIdentity {
  path: string
  dev: bigint
  ino: bigint
  /** The numeric owner; only processes of this user are looked at. */
  uid: number
  gid: number
}

/** The identity of a folder, or undefined when there is none. */
export function identify(path: string): FolderIdentity | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && { path, dev: stats.dev, ino: stats.ino, uid: Number(stats.uid), gid: Number(stats.gid) }
}

/**
 * The living processes of the folder's owner that work in that folder, as PostgreSQL's do. A pid alone proves
 * nothing, since another process may have it now; so no signal is sent without this check. Zombies do not
 * count. Without /proc only the command line of the main process is known.
 */
export function processesIn(folder: FolderIdentity): number[] {
  if (!existsSync('/proc/self/cwd')) return processesNaming(folder)
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => hasFolder(pid, folder))
}

/** Whether that process is one of them. */
export function worksIn(pid: number, folder: FolderIdentity): boolean {
  return existsSync('/proc/self/cwd') ? hasFolder(pid, folder) : processesNaming(folder).includes(pid)
}

function hasFolder(pid: number, folder: FolderIdentity): boolean {
  try {
    if (statSync(`/proc/${pid}`).uid !== folder.uid) return false
    const { dev, ino } = statSync(`/proc/${pid}/cwd`, { bigint: true })
    return dev === folder.dev && ino === folder.ino && isPostgres(pid)
  } catch {
    // It ended meanwhile, is a zombie, or belongs to another user.
    return false
  }
}

// A person may have changed into the folder with a shell.
function isPostgres(pid: number): boolean {
  return /^(postgres|initdb|sh)$/.test(readFileSync(`/proc/${pid}/comm`, 'utf8').trim())
}

function processesNaming(folder: FolderIdentity): number[] {
  const lines = execFileSync('ps', ['-axo', 'pid=,uid=,stat=,command='], {
    encoding: 'utf8',
    env: CLEAN_ENVIRONMENT,
  }).split('\n')
  return lines
    .filter(line => line.includes(` -D ${folder.path} `) || line.endsWith(` -D ${folder.path}`))
    .map(line => line.trim().split(/\s+/))
    .filter(([, uid, state]) => Number(uid) === folder.uid && !state?.startsWith('Z'))
    .map(([pid]) => Number(pid))
}

/** Waits until nothing works in the folder any more; false when that took longer than `timeoutMs`. */
export async function waitUntilLeft(folder: FolderIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (processesIn(folder).length > 0) {
    if (performance.now() > deadline) return false
    await delay(10)
  }
  return true
}

/** Kills all that works in the folder. PostgreSQL survives that by design. */
export async function killProcessesIn(folder: FolderIdentity): Promise<void> {
  for (let tries = 0; tries < 30; tries++) {
    for (const pid of processesIn(folder)) signal(pid, 'SIGKILL')
    if (await waitUntilLeft(folder, 1_000)) return
  }
  throw new CatalogError(
    `Processes ${processesIn(folder).join(', ')} of the embedded catalog cannot be ended`,
    { code: 'CATALOG', hint: 'They probably wait for a disk that does not answer.' },
  )
}

/** Sends a signal; a process that has already ended is no error. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
