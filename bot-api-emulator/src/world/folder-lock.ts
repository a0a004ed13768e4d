import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { EmulatorError } from '#errors.ts'

interface LockOwner {
  readonly pid: number
  /** When the process began, in milliseconds since 1970: tells it from a later one with the same number. */
  readonly processStartMs: number
}

/**
 * Claims a data folder by a file that names this process; two emulators in one folder would write over each
 * other. A file whose process is gone is taken over. Throws EmulatorError DATA_DIR_IN_USE.
 */
export function lockFolder(path: string): { release(): void } {
  const self: LockOwner = { pid: process.pid, processStartMs: performance.timeOrigin }
  const owner = readOwner(path)
  if (owner !== undefined && isRunning(owner, self)) {
    throw new EmulatorError(`The data folder is in use by process ${owner.pid}.`, {
      code: 'DATA_DIR_IN_USE',
      hint: `Stop that emulator or take another folder. If it is not an emulator, remove ${path}.`,
    })
  }
  writeFileSync(path, JSON.stringify(self))
  return { release: () => rmSync(path, { force: true }) }
}

/** The process that a lock names; undefined for no lock, and for one that was not written whole. */
function readOwner(path: string): LockOwner | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function isRunning(owner: LockOwner, self: LockOwner): boolean {
  if (owner.pid === self.pid) return owner.processStartMs === self.processStartMs
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
