import {
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { HeldFolder } from '#programs/held-folder.ts'

const NAMES_IN_STEP = 500
/** How often a folder is emptied while somebody else writes into it. */
const MAX_TRIES = 20

/**
 * Removes these names of a folder, with all below them. Throws system errors, and for another file system.
 */
export async function removeNames(folder: HeldFolder, names: readonly Buffer[]): Promise<void> {
  for (const _step of removal(folder, names)) await setImmediate()
}

export function removeNamesNow(folder: HeldFolder, names: readonly Buffer[]): void {
  for (const _step of removal(folder, names));
}

/**
 * Somebody else may exchange the folders for links at any time. So no path of several names is ever used: a
 * folder is opened without following a link, its files are removed by its handle, and folders in it are first
 * moved to the top, which nobody else can enter. So two handles are enough for any depth.
 */
function* removal(top: HeldFolder, names: readonly Buffer[]): Generator<void> {
  const waiting = [...names]
  let moved = 0
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const path = top.insideBytes(name)
    const facts = lstatSync(path, { throwIfNoEntry: false })
    if (facts === undefined) continue
    if (!facts.isDirectory()) {
      unlinkSync(path)
      continue
    }
    letOwnerIn(path)
    for (let tries = 1; ; tries++) {
      yield* emptying(path, top, folder => {
        const name = Buffer.from(`going-${process.pid}-${moved++}`)
        letOwnerIn(folder)
        renameSync(folder, top.insideBytes(name))
        waiting.push(name)
      })
      if (isRemoved(path, tries)) break
    }
  }
}

/** Removes the files in a folder, and hands over the folders in it. */
function* emptying(path: Buffer, top: HeldFolder, onFolder: (path: Buffer) => void): Generator<void> {
  using folder = new HeldFolder(path)
  if (folder.id.dev !== top.id.dev) throw new Error('Another file system is mounted in it')
  for (const [index, name] of folder.names().entries()) {
    if (index % NAMES_IN_STEP === 0) yield
    const path = folder.insideBytes(name)
    const isFolder = lstatSync(path, { throwIfNoEntry: false })?.isDirectory()
    try {
      if (isFolder) onFolder(path)
      else unlinkSync(path)
    } catch (error) {
      // Somebody else was quicker; the folder is read again anyway.
      if (!EXCHANGED.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

/** Linux's `O_PATH`, which Node does not name: a handle that needs no right to read. */
const WITHOUT_RIGHTS = 0x200000

/** Opens a folder that is closed to its owner, never through a link. Root needs no such thing. */
function letOwnerIn(path: Buffer): void {
  if (process.platform !== 'linux' || process.geteuid?.() === 0) return
  try {
    const fd = openSync(path, WITHOUT_RIGHTS | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      chmodSync(`/proc/self/fd/${fd}`, 0o700)
    } finally {
      closeSync(fd)
    }
  } catch {
    // The next call reports the reason.
  }
}

const EXCHANGED: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR'])

function isRemoved(path: Buffer, tries: number): boolean {
  try {
    rmdirSync(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (tries < MAX_TRIES && (code === 'ENOTEMPTY' || code === 'EEXIST')) return false
    throw error
  }
}
