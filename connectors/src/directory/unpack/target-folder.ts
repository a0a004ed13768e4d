import { readdir, readFile, realpath, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { BackupError, type Hint, hint, option } from '@telegram-backup/errors'
import { exists, foreignLeftovers, partialName } from '#directory/unpack/leftovers.ts'
import type { FileId } from '#programs/held-folder.ts'
import { linkFreePath } from '#programs/others-links.ts'
import type { RestoreTarget } from '#restoring.ts'

export interface DirectoryTarget extends RestoreTarget {
  kind: 'directory'
  path: string
}

export interface TargetFolder {
  /** Absolute, links resolved. */
  path: string
  state: 'missing' | 'empty' | 'full'
  /** Its identity, if it exists, and that of its parent. */
  id: FileId | undefined
  parentId: FileId
  /** Names next to it that look like leftovers of a restore but are not, or are another user's; they stay. */
  foreign: string[]
}

/** Longest name on common file systems. */
const MAX_NAME_BYTES = 255

/**
 * Looks at the target; changes nothing. Throws `USAGE` for a target that is no directory, cannot be swapped,
 * must not be overwritten, or holds one of the paths to `keep`; `DISK_FULL` when `sizeBytes` do not fit.
 */
export async function inspectFolder(
  asked: string,
  options: { overwrite: boolean; sizeBytes: number; keep?: readonly string[] },
): Promise<TargetFolder> {
  const path = await resolved(asked)
  const parent = dirname(path)
  const parentStat = await stat(parent, { bigint: true }).catch(() => undefined)
  if (path === parent) throw unusable(`${asked} is the root directory`)
  if (!parentStat?.isDirectory()) throw unusable(`${parent} is not a directory`, 'Create it first.')
  if (Buffer.byteLength(partialName(path)) > MAX_NAME_BYTES)
    throw unusable('The name of the directory is too long')
  const there = await stat(path, { bigint: true }).catch(() => undefined)
  if (!there && (await exists(path))) throw unusable(`${asked} is a link to a path that does not exist`)
  if (there && !there.isDirectory()) throw unusable(`${asked} is not a directory`)
  const mounted = await mountIn(path)
  if ((there && there.dev !== parentStat.dev) || mounted === path) {
    throw unusable(`${asked} is a mount point, which cannot be swapped`, 'Name a directory on it.')
  }
  if (mounted !== undefined) {
    throw unusable(`Something is mounted on ${mounted}`, 'Unmount it, or name another directory.')
  }
  const state = !there ? 'missing' : (await readdir(path)).length === 0 ? 'empty' : 'full'
  if (state === 'full' && !options.overwrite) {
    throw unusable(
      `${asked} is not empty`,
      hint`Give ${option('overwrite')} to replace it when the restore has succeeded, or name another directory.`,
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
  return {
    path,
    state,
    id: there && { dev: there.dev, ino: there.ino },
    parentId: { dev: parentStat.dev, ino: parentStat.ino },
    foreign: await foreignLeftovers(path),
  }
}

/** The mount point at or below a path; a bind mount has no device of its own to detect it by. */
async function mountIn(path: string): Promise<string | undefined> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return mounts
    .split('\n')
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .find(place => place === path || place.startsWith(`${path}/`))
}

export function unusable(message: string, hint?: string | Hint): BackupError {
  return new BackupError(message, { code: 'USAGE', hint })
}

/** A restore must not replace its own catalog, key or program. */
async function assertHoldsNone(path: string, keep: readonly string[]): Promise<void> {
  for (const one of keep) {
    const kept = await realpath(one).catch(() => resolve(one))
    if (kept !== path && !kept.startsWith(`${path}/`)) continue
    throw unusable(
      `${path} holds ${one}, which this program needs and the restore would delete`,
      'Restore into another directory, and move the files that you want from there.',
    )
  }
}

async function resolved(asked: string): Promise<string> {
  const path = resolve(asked)
  const isThere = (await stat(path).catch(() => undefined)) !== undefined
  if (isThere) return await followed(path)
  return join(await followed(dirname(path)), basename(path))
}

/** Throws `USAGE` for another user's link. Other problems of the path are found later. */
export async function followed(path: string): Promise<string> {
  try {
    return (await linkFreePath(Buffer.from(path))).toString()
  } catch (error) {
    if (error instanceof BackupError) throw error
    return path
  }
}
