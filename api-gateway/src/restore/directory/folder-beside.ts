import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import {
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { BackupError } from '#lib/backups/backup-error.ts'

/** The directory that is to be restored, as it is now. */
export interface TargetFolder {
  /** Absolute, links resolved. */
  path: string
  state: 'missing' | 'empty' | 'full'
}

/** Of one name, on the file systems that people have. */
const MAX_NAME_BYTES = 255
const PARTIAL = /^\.(.+)\.telegram-backup-[0-9a-f]{8}\.partial$/s

/**
 * Looks at the target, changing nothing. Throws `USAGE` for what is no directory or cannot be swapped, and for one that
 * is not empty and may not be overwritten, or holds one of the paths to `keep`; `DISK_FULL` when `sizeBytes` do not fit.
 */
export async function inspectFolder(
  asked: string,
  options: { overwrite: boolean; sizeBytes: number; keep?: readonly string[] },
): Promise<TargetFolder> {
  const path = await resolved(asked)
  const parent = dirname(path)
  const parentStat = await stat(parent).catch(() => undefined)
  if (path === parent) throw unusable(`${asked} is the root of everything`)
  if (!parentStat?.isDirectory()) throw unusable(`${parent} is no directory`, 'Make it first.')
  if (Buffer.byteLength(partialName(path)) > MAX_NAME_BYTES)
    throw unusable('The name of the directory is too long')
  const there = await stat(path).catch(() => undefined)
  if (!there && (await exists(path))) throw unusable(`${asked} is a link that leads nowhere`)
  if (there && !there.isDirectory()) throw unusable(`${asked} is no directory`)
  if (there && there.dev !== parentStat.dev) {
    throw unusable(`${asked} is a mount point, which cannot be swapped`, 'Name a directory on it.')
  }
  const state = !there ? 'missing' : (await readdir(path)).length === 0 ? 'empty' : 'full'
  if (state === 'full' && !options.overwrite) {
    throw unusable(
      `${asked} is not empty`,
      'Give --overwrite to replace it when the restore has succeeded, or name another directory.',
    )
  }
  if (state === 'full') await assertHoldsNone(path, options.keep ?? [])
  const disk = await statfs(parent)
  const freeBytes = disk.bavail * disk.bsize
  if (freeBytes < options.sizeBytes) {
    throw new BackupError(`The disk has ${freeBytes} bytes left, and the backup has ${options.sizeBytes}`, {
      code: 'DISK_FULL',
      hint: 'Free some room, or name a directory on another disk.',
    })
  }
  return { path, state }
}

/** The catalog, the key and the program that restore must not go with what they replace. */
async function assertHoldsNone(path: string, keep: readonly string[]): Promise<void> {
  for (const one of keep) {
    const kept = await realpath(one).catch(() => resolve(one))
    if (kept !== path && !kept.startsWith(`${path}/`)) continue
    throw unusable(
      `${path} holds ${one}, which this program needs, and would be deleted`,
      'Restore into another directory, and move what you want from there.',
    )
  }
}

/** A folder next to the target, for its owner's eyes only, that takes the target's place when it is whole. */
export class FolderBeside {
  /** Where the contents go. */
  readonly tree: string
  readonly #target: TargetFolder
  readonly #partial: string
  readonly #removeAtExit: () => void
  /** Whether what was at the target lies in here now, and nowhere else. */
  #holdsOld = false

  private constructor(target: TargetFolder, partial: string) {
    this.#target = target
    this.#partial = partial
    this.tree = join(partial, TREE)
    // Also when the process is told to end at once.
    this.#removeAtExit = () => rmSync(partial, { recursive: true, force: true })
    process.once('exit', this.#removeAtExit)
  }

  /** Makes it, and clears away what killed restores left. Throws `USAGE` where nothing can be written. */
  static async create(target: TargetFolder): Promise<FolderBeside> {
    if (await clearLeftovers(target.path)) {
      throw unusable(
        `${target.path} was put back where a restore that was killed had taken it from`,
        'Try again.',
      )
    }
    const partial = join(dirname(target.path), partialName(target.path))
    try {
      await mkdir(partial, { mode: 0o700 })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw unusable(`Nothing can be written in ${dirname(target.path)} (${code})`)
    }
    const beside = new FolderBeside(target, partial)
    await markAsOurs(partial)
    await mkdir(beside.tree)
    return beside
  }

  /**
   * Gives it the target's name; what was there before goes. When it cannot, the target is as it was; should even that
   * fail, the error says where it lies, and there it stays. Returns the path of what could not be deleted afterwards.
   */
  async swapIn(): Promise<{ leftBehind?: string }> {
    const { path, state } = this.#target
    const old = join(this.#partial, OLD)
    process.off('exit', this.#removeAtExit)
    if (state === 'full') {
      await rename(path, old)
      this.#holdsOld = true
    }
    try {
      // Over an empty directory, this is one step; so it is where nothing is.
      await rename(this.tree, path)
    } catch (error) {
      if (this.#holdsOld) await this.#putBack(error)
      throw error
    }
    this.#holdsOld = false
    try {
      await syncFolder(dirname(path))
      await rm(this.#partial, { recursive: true, force: true })
      return {}
    } catch {
      // The restore is done; what is left of the old directory is no reason to call it failed.
      return { leftBehind: this.#partial }
    }
  }

  /** Removes it; the target stays as it was. */
  async discard(): Promise<void> {
    process.off('exit', this.#removeAtExit)
    if (this.#holdsOld) await rm(this.tree, { recursive: true, force: true })
    else await rm(this.#partial, { recursive: true, force: true })
  }

  async #putBack(reason: unknown): Promise<void> {
    const { path } = this.#target
    const old = join(this.#partial, OLD)
    try {
      await rename(old, path)
      this.#holdsOld = false
    } catch {
      throw new BackupError(
        `Something else took the place of ${path} during the swap; what was there before lies in ${old}`,
        { code: 'SWAP', hint: 'Stop what writes there, and move it back.', cause: reason },
      )
    }
  }
}

const TREE = 'tree'
const OLD = 'old'
const OWNER = 'owner'
/** A folder without its owner's mark is being made; it takes no time. */
const UNMARKED_MS = 60_000

/**
 * Restores that were killed leave a folder; and at one moment, the target lies in it: true if it was put back. Throws
 * `USAGE` when something else has taken its place meanwhile: nobody but a person can say which of the two is right.
 */
async function clearLeftovers(path: string): Promise<boolean> {
  const parent = dirname(path)
  let isPutBack = false
  for (const name of await readdir(parent)) {
    if (PARTIAL.exec(name)?.[1] !== basename(path)) continue
    const partial = join(parent, name)
    if (await isInUse(partial)) continue
    const old = join(partial, OLD)
    // With the new tree still there, the swap did not happen, and what is in "old" is all there is of it.
    const isOnlyCopy = (await exists(old)) && (await exists(join(partial, TREE)))
    if (isOnlyCopy && (await exists(path))) {
      throw unusable(
        `A restore that was killed left what was in ${path} before it in ${old}`,
        'Move it to where it belongs, then try again.',
      )
    }
    if (isOnlyCopy) {
      await rename(old, path)
      isPutBack = true
    }
    await rm(partial, { recursive: true, force: true })
  }
  return isPutBack
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

/** A pid alone says little: in a container, the next run often has the same. */
async function markAsOurs(partial: string): Promise<void> {
  await writeFile(join(partial, OWNER), `${process.pid} ${await startOf(process.pid)}`)
}

async function isInUse(partial: string): Promise<boolean> {
  const mark = await readFile(join(partial, OWNER), 'utf8').catch(() => undefined)
  if (mark === undefined) return Date.now() - (await stat(partial)).mtimeMs < UNMARKED_MS
  const [pid = '', start = ''] = mark.split(' ')
  return isAlive(Number(pid)) && (await startOf(Number(pid))) === start
}

/** When a process started, in ticks since the machine did; empty where there is no /proc. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name of the program, in brackets, may hold anything.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function resolved(asked: string): Promise<string> {
  const path = resolve(asked)
  const whole = await realpath(path).catch(() => undefined)
  if (whole !== undefined) return whole
  const parent = await realpath(dirname(path)).catch(() => dirname(path))
  return join(parent, basename(path))
}

function partialName(path: string): string {
  return `.${basename(path)}.telegram-backup-${randomBytes(4).toString('hex')}.partial`
}

function unusable(message: string, hint?: string): BackupError {
  return new BackupError(message, { code: 'USAGE', ...(hint === undefined ? {} : { hint }) })
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
