import { type BigIntStats, lstatSync } from 'node:fs'
import { readdir, realpath, stat, statfs } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Member, memberPathBytes, shownName } from '@telegram-backup/archive'
import { BackupError, hint, option } from '@telegram-backup/errors'
import { foreignLeftovers } from '#directory/unpack/leftovers.ts'
import { followed, type TargetFolder, unusable } from '#directory/unpack/target-folder.ts'

const MEMBERS_IN_STEP = 500
/** How many files that are there already are named. */
const MAX_NAMED = 3
/** The staging folder is in the directory itself: there a rename works, also below a mount point. */
const STAGING = 'part'

/** A directory that exists, and what a part of a backup finds in it. */
export interface PartPlaces {
  /** Absolute, links resolved. */
  path: string
  /** As the staging folder takes it; its target is never made. */
  staging: TargetFolder
  /** How many files are replaced. */
  replaces: number
}

/**
 * Looks where the members of a part would go; changes nothing. Throws `USAGE` for a place that is taken: by a
 * file without `overwrite`, by a folder where a file should come, or the reverse; for a way through a link;
 * and for a file to `keep`. `DISK_FULL` when `sizeBytes` do not fit.
 */
export async function inspectPlaces(
  asked: string,
  members: readonly Member[],
  options: { overwrite: boolean; sizeBytes: number; keep: readonly string[] },
): Promise<PartPlaces> {
  const path = await followed(resolve(asked))
  const { dev, ino } = await stat(path, { bigint: true })
  await readdir(path)
  await assertKeeps(path, members, options.keep)
  const disk = await statfs(path)
  const freeBytes = disk.bavail * disk.bsize
  if (freeBytes < options.sizeBytes) {
    throw new BackupError(
      `The disk has ${freeBytes} bytes left, and this part of the backup has ${options.sizeBytes}`,
      { code: 'DISK_FULL', hint: 'Free some room, or name a directory on another disk.' },
    )
  }
  const taken = await takenPlaces(path, members, dev)
  if (taken.count > 0 && !options.overwrite) {
    const more = taken.count > taken.named.length ? ` and ${taken.count - taken.named.length} more` : ''
    throw unusable(
      `${asked} holds ${taken.named.join(', ')}${more} already`,
      hint`Give ${option('overwrite')} to replace what the backup holds, file by file, or name another directory.`,
    )
  }
  const staging = join(path, STAGING)
  return {
    path,
    replaces: taken.count,
    staging: {
      path: staging,
      state: 'missing',
      id: undefined,
      parentId: { dev, ino },
      foreign: await foreignLeftovers(staging),
    },
  }
}

async function takenPlaces(
  root: string,
  members: readonly Member[],
  dev: bigint,
): Promise<{ count: number; named: string[] }> {
  const found = { count: 0, named: [] as string[] }
  const folders = new Map<string, BigIntStats | undefined>()
  const look = (path: string): BigIntStats | undefined =>
    lstatSync(Buffer.concat([Buffer.from(`${root}/`), memberPathBytes(path)]), {
      bigint: true,
      throwIfNoEntry: false,
    })
  for (const [index, { path, kind }] of members.entries()) {
    if (index % MEMBERS_IN_STEP === MEMBERS_IN_STEP - 1) await setImmediate()
    if (path === '.' || !isThere(path, folders, { look, dev })) continue
    const there = look(path)
    if (there === undefined) continue
    if (there.isDirectory() !== (kind === 'directory')) {
      throw unusable(
        `${shownName(path)} is ${there.isDirectory() ? 'a directory' : 'no directory'} in the target, but ${kind === 'directory' ? 'a directory' : 'none'} in the backup`,
        'Move it away first, or name another directory.',
      )
    }
    if (there.isDirectory()) continue
    found.count += 1
    if (found.named.length < MAX_NAMED) found.named.push(shownName(path))
  }
  return found
}

/** Whether the folder of a path is there. Throws for a link, a file or another file system on the way. */
function isThere(
  path: string,
  folders: Map<string, BigIntStats | undefined>,
  of: { look: (path: string) => BigIntStats | undefined; dev: bigint },
): boolean {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const folder = path.slice(0, slash)
    if (!folders.has(folder)) folders.set(folder, of.look(folder))
    const facts = folders.get(folder)
    if (facts === undefined) return false
    if (!facts.isDirectory()) {
      throw unusable(
        `${shownName(folder)} is ${facts.isSymbolicLink() ? 'a link' : 'no directory'} in the target, and nothing is written through it`,
        'Name another directory, and move the files from there.',
      )
    }
    if (facts.dev !== of.dev) {
      throw unusable(
        `${shownName(folder)} is another file system in the target, and files are moved into it by a rename`,
        'Restore into a new directory there, and move the files from it.',
      )
    }
  }
  return true
}

/** A restore must not replace its own catalog, key or program. */
async function assertKeeps(path: string, members: readonly Member[], keep: readonly string[]): Promise<void> {
  const prefix = path === '/' ? '/' : `${path}/`
  const kept = await Promise.all(keep.map(one => realpath(one).catch(() => resolve(one))))
  const inside = kept.filter(one => one.startsWith(prefix)).map(one => one.slice(prefix.length))
  // The directory may lie in one of these folders itself.
  const above = kept.find(one => prefix.startsWith(`${one}/`))
  if (above !== undefined) throw holdsOwn(above)
  if (inside.length === 0) return
  for (const member of members) {
    if (member.kind === 'directory') continue
    const own = inside.find(one => member.path === one || member.path.startsWith(`${one}/`))
    if (own !== undefined) throw holdsOwn(`${prefix}${own}`)
  }
}

function holdsOwn(path: string): BackupError {
  return unusable(
    `This program needs ${path}, and the restore would change it`,
    'Restore into another directory, and move the files that you want from there.',
  )
}
