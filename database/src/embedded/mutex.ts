import { type BigIntStats, closeSync, openSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { CatalogError, FULL_DISK_HINT } from '#catalog-error.ts'
import { saysDiskFull } from '#embedded/full-disk.ts'

const RETRY_MS = 5
const GIVE_UP_AFTER_MS = 60_000

/**
 * Runs `work` while no other process, thread or caller runs under the same file. SIGKILL frees the lock,
 * since it is SQLite's kernel lock; nothing is written, so a full disk does no harm. Nothing else may open
 * the file: closing any descriptor of it drops the lock. CatalogError CATALOG when the file cannot be made or
 * locked, and after a minute of waiting.
 */
export async function holdingMutex<T>(
  file: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const lock = await acquire(file, signal)
  try {
    return await work()
  } finally {
    lock.close()
  }
}

async function acquire(file: string, signal?: AbortSignal): Promise<{ close(): void }> {
  const deadline = performance.now() + GIVE_UP_AFTER_MS
  for (;;) {
    signal?.throwIfAborted()
    const lock = tryMutex(file)
    if (lock) return lock
    if (performance.now() > deadline) {
      throw new CatalogError(`Another process has been starting the embedded catalog for a minute`, {
        code: 'CATALOG',
        hint: `Look which process holds ${file}; a stopped one (SIGSTOP) blocks all others.`,
      })
    }
    await delay(RETRY_MS, undefined, { signal })
  }
}

/**
 * As {@link holdingMutex}, without waiting: undefined while another process holds it. The caller closes it.
 * @param what is locked, for the error
 */
export function tryMutex(file: string, what: string = 'The embedded catalog'): { close(): void } | undefined {
  let lock: DatabaseSync | undefined
  try {
    createIfMissing(file)
    const before = statSync(file, { bigint: true, throwIfNoEntry: false })
    lock = new DatabaseSync(file, { timeout: 0 })
    // A transaction would begin with a journal file, which needs room on the disk.
    lock.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE')
    // The folder may have been replaced meanwhile: a lock on a deleted file excludes no process.
    const after = statSync(file, { bigint: true, throwIfNoEntry: false })
    if (before && after && sameFile(before, after)) return lock
  } catch (error) {
    if (!isBusy(error)) {
      lock?.close()
      throw lockFailure(file, error, what)
    }
  }
  lock?.close()
  return undefined
}

function lockFailure(file: string, error: unknown, what: string): CatalogError {
  const reason = error instanceof Error ? error.message : String(error)
  return new CatalogError(`${what} cannot be locked: ${reason}`, {
    code: 'CATALOG',
    hint: saysDiskFull(error)
      ? FULL_DISK_HINT
      : `Check the owner and the rights of ${file}. It is an empty file and may be deleted when nobody uses it.`,
    cause: error,
  })
}

// Not made by SQLite, so that no other user can read or lock the file.
function createIfMissing(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function sameFile(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino && one.birthtimeNs === other.birthtimeNs
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5
}
