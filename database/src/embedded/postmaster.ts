import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CatalogError } from '#catalog-error.ts'
import { CLEAN_ENVIRONMENT } from '#embedded/clean-environment.ts'
import { cannotRun, nameFromInside, writeAccessRules } from '#embedded/cluster.ts'
import { endedWith } from '#embedded/last-words.ts'
import { type FolderIdentity, killProcessesIn, signal, waitUntilLeft, worksIn } from '#embedded/processes.ts'
import type { ServerUser } from '#embedded/server-user.ts'

/** Part of the socket's name; nothing listens on a network. */
export const SOCKET_PORT = 5432

const POLL_MS = 2
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000
const LARGEST_LOG_BYTES = 1024 * 1024

// A small server for a few clients of one machine. All on the command line, so that the folder can move.
const SETTINGS = [
  'listen_addresses=',
  'unix_socket_permissions=0700',
  'shared_buffers=16MB',
  'max_connections=100',
  'io_method=sync',
  'max_worker_processes=2',
  'max_parallel_workers=0',
  'jit=off',
  'wal_level=minimal',
  'max_wal_senders=0',
  'min_wal_size=16MB',
  'max_wal_size=128MB',
  'huge_pages=off',
  'client_connection_check_interval=5s',
  'log_min_messages=warning',
  'timezone=UTC',
]

/** The main process of the server in that folder, if it lives. */
export function findPostmaster(data: FolderIdentity): number | undefined {
  const { pid } = readPidFile(data.path)
  return pid !== undefined && worksIn(pid, data) ? pid : undefined
}

/**
 * Starts the server and waits until it accepts connections. To be called under the mutex, when none lives.
 * The server outlives this process. `killed`: a SIGKILL ended it before that. CatalogError CATALOG with its
 * last words when it ends by itself.
 */
export async function startPostmaster(options: {
  binaries: string
  data: FolderIdentity
  logFile: string
  user: ServerUser
  clientName: string
  logins: readonly string[]
  /** In addition to the settings of every embedded server; these win. */
  settings: readonly string[]
  /** Put before the command line; the program must become the server by exec. */
  prefix: readonly string[]
}): Promise<'ready' | 'killed'> {
  const { data, logFile } = options
  await removeTraces(data)
  writeAccessRules(data.path, options)
  const log = openLog(logFile)
  const logStart = statSync(logFile).size
  const folder = nameFromInside(data.path)
  const settings = [...SETTINGS, ...options.settings, `unix_socket_directories=${folder}`].flatMap(
    setting => ['-c', setting],
  )
  const [program = '', ...args] = [
    ...options.prefix,
    ...[join(options.binaries, 'bin', 'postgres'), '-D', folder, '-p', String(SOCKET_PORT), ...settings],
  ]
  const child = spawn(program, args, {
    ...options.user.spawnAs,
    cwd: data.path,
    detached: true,
    env: CLEAN_ENVIRONMENT,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended: Error | { killedBy: NodeJS.Signals | null } | undefined
  child.once('error', error => {
    ended = cannotRun(error)
  })
  child.once('exit', (_code, killedBy) => {
    ended ??= { killedBy }
  })
  child.unref()
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const { pid, status } = readPidFile(data.path)
    if (pid === child.pid && status === 'ready') return 'ready'
    if (ended instanceof Error) throw ended
    if (ended?.killedBy === 'SIGKILL') return 'killed'
    if (ended) {
      const lastWords = readFileSync(logFile).subarray(logStart).toString()
      throw endedWith('The embedded PostgreSQL', lastWords, data.path)
    }
    if (performance.now() > deadline) {
      throw new CatalogError('The embedded PostgreSQL is not ready after a minute', {
        code: 'CATALOG',
        hint: `Look into ${logFile}.`,
      })
    }
    await delay(POLL_MS)
  }
}

/** Stops the server: open transactions are rolled back, the data is written, its processes are gone. */
export async function stopPostmaster(data: FolderIdentity, pid: number): Promise<void> {
  // A fast stop, never SIGTERM: that waits for clients and refuses new ones meanwhile. An immediate stop
  // where the folder was deleted, since nothing is left to write.
  if (worksIn(pid, data)) signal(pid, isDeleted(pid) ? 'SIGQUIT' : 'SIGINT')
  // The main process ends last. To look for it alone is quick, and so can be done often.
  const deadline = performance.now() + STOP_TIMEOUT_MS
  while (worksIn(pid, data) && performance.now() < deadline) await delay(POLL_MS)
  if (await waitUntilLeft(data, Math.max(0, deadline - performance.now()))) return
  await killProcessesIn(data)
}

/** Whether the server's folder was deleted, not only renamed. False without /proc. */
export function worksInDeletedFolder(data: FolderIdentity, pid: number): boolean {
  return worksIn(pid, data) && isDeleted(pid)
}

function isDeleted(pid: number): boolean {
  return statSync(`/proc/${pid}/cwd`, { throwIfNoEntry: false })?.nlink === 0
}

// Called when no main process lives. The children of a killed one end by themselves unless they are busy; the
// new server must not start beside them. A pid file whose pid now belongs to another program would keep
// PostgreSQL from starting. A file with a dead pid stays: PostgreSQL checks it.
async function removeTraces(data: FolderIdentity): Promise<void> {
  if (!(await waitUntilLeft(data, 1_000))) await killProcessesIn(data)
  const { pid } = readPidFile(data.path)
  if (pid === undefined || !isAlive(pid)) return
  rmSync(join(data.path, 'postmaster.pid'), { force: true })
  rmSync(join(data.path, `.s.PGSQL.${SOCKET_PORT}.lock`), { force: true })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

// Line 1 is the pid, line 8 the status (PostgreSQL's pidfile.h).
function readPidFile(dataFolder: string): { pid: number | undefined; status: string | undefined } {
  try {
    const lines = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')
    const pid = Number(lines[0])
    return { pid: Number.isInteger(pid) && pid > 0 ? pid : undefined, status: lines[7]?.trim() }
  } catch {
    return { pid: undefined, status: undefined }
  }
}

// Each start writes some lines. The older half gets another name and replaces the one before.
function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > LARGEST_LOG_BYTES) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}
