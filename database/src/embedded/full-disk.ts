import { statfsSync } from 'node:fs'
import { errorCode } from '#catalog-error.ts'

// SQLITE_FULL in https://www.sqlite.org/rescode.html
const SQLITE_FULL = 13
// A server that starts writes more than this, so with less the disk is the reason.
const TOO_LITTLE_BYTES = 1024 * 1024

/** Whether this error, of a system call or of SQLite, says that a disk or a quota is full. */
export function saysDiskFull(error: unknown): boolean {
  const code = errorCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return true
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_FULL
}

/** Whether the disk of that folder is full. For a program whose error should have gone to the same disk. */
export function isDiskFull(folder: string): boolean {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < TOO_LITTLE_BYTES
}
