import { randomBytes } from 'node:crypto'
import { constants, lstatSync, rmdirSync } from 'node:fs'
import { lstat, open, readFile, rename, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import { removeNames, removeNamesNow } from '#directory/unpack/remove-tree.ts'
import { type FileId, HeldFolder, isSameFile } from '#programs/held-folder.ts'

/** A new name for a staging folder; the next restore knows such folders by it. */
export function partialName(path: string): string {
  return `.${basename(path)}.telegram-backup-${randomBytes(4).toString('hex')}.partial`
}

/** The new tree, the old one, replaced files, and the mark of the process that made the folder. */
export const TREE = 'tree'
export const OLD = 'old'
export const REPLACED = 'replaced'
const OWNER = 'owner'
const PARTIAL = /^\.(.+)\.telegram-backup-[0-9a-f]{8}\.partial$/s
/** A folder without a mark is that young only while it is being made. */
const UNMARKED_MS = 60_000
const MAX_MARK_BYTES = 100
/** A process id and its start. A foreign folder may also hold a file of that name. */
const MARK = /^\d+ \d*$/
/** All names that a restore uses in its folder. */
const OWN_NAMES = /^(tree|old|replaced|owner|going-\d+-\d+)$/

/** Anybody can use such a name; what we have not made is left alone. */
type Kind = 'of a killed restore' | 'of a running restore' | 'empty' | 'not ours'

/** The names next to the target that look like leftovers of restores but are not, or are another user's. */
export async function foreignLeftovers(path: string): Promise<string[]> {
  const foreign: string[] = []
  using parent = openedFolder(dirname(path))
  // If it cannot be opened, nothing can be written there either, which the restore reports.
  if (parent === undefined) return []
  for await (const { name, kind } of leftovers(parent, path)) if (kind === 'not ours') foreign.push(name)
  return foreign
}

/**
 * Removes the folders of killed restores. Such a folder may hold the old target, killed during the swap: true
 * if that was put back. Throws `USAGE` when something else has taken its place: only a person can say which
 * one is right.
 */
export async function clearLeftovers(parent: HeldFolder, path: string): Promise<boolean> {
  let isPutBack = false
  for await (const { name, kind, folder } of leftovers(parent, path)) {
    // It stays if somebody has put something into it meanwhile.
    if (kind === 'empty') await rmdir(parent.inside(name)).catch(() => {})
    if (kind !== 'of a killed restore' || folder === undefined) continue
    const target = parent.inside(basename(path))
    // As long as the new tree is here, the swap did not happen, and "old" is the only copy.
    const isOnlyCopy = (await exists(folder.inside(OLD))) && (await exists(folder.inside(TREE)))
    if (isOnlyCopy && (await exists(target))) {
      throw new BackupError(
        `A killed restore left the previous contents of ${path} in ${join(parent.path, name, OLD)}`,
        { code: 'USAGE', hint: 'Move these contents back, then try again.' },
      )
    }
    if (isOnlyCopy) {
      await rename(folder.inside(OLD), target)
      isPutBack = true
    }
    // What cannot be removed was reported by the restore that left it.
    await removePartial(parent, name, folder).catch(() => {})
  }
  return isPutBack
}

/** Removes a staging folder. Its mark goes last, so that a remainder is still known as ours. */
export async function removePartial(parent: HeldFolder, name: string, folder: HeldFolder): Promise<void> {
  await removeNames(folder, unmarkedNames(folder))
  await removeNames(folder, [Buffer.from(OWNER)])
  const path = parent.inside(name)
  if (!isSameFile(await idOf(path), folder.id)) throw new Error(`${name} is another folder by now`)
  await rmdir(path)
}

/** Leaves only what was there before, for a person: without its mark, no restore removes the folder. */
export async function leaveToPerson(folder: HeldFolder): Promise<void> {
  // The last one goes first.
  await removeNames(folder, [Buffer.from(TREE), Buffer.from(OWNER)])
}

/** Removes it at once, for a process that ends. Never throws; the next restore removes what is left. */
export function removePartialNow(parent: HeldFolder, name: string, folder: HeldFolder): void {
  try {
    removeNamesNow(folder, folder.names())
    const path = parent.inside(name)
    if (isSameFile(lstatSync(path, { bigint: true }), folder.id)) rmdirSync(path)
  } catch {}
}

function unmarkedNames(folder: HeldFolder): Buffer[] {
  return folder.names().filter(name => name.toString() !== OWNER)
}

/** Writes down which process made it, and its start: a container uses the same pids again. */
export async function markAsOurs(folder: HeldFolder): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const mark = await open(folder.inside(OWNER), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    await mark.writeFile(`${process.pid} ${await startOf(process.pid)}`)
  } finally {
    await mark.close()
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await idOf(path)) !== undefined
}

/** Which file, or link, has that name now; undefined for none. */
export async function idOf(path: string): Promise<FileId | undefined> {
  return await lstat(path, { bigint: true }).catch(() => undefined)
}

/** What has the name of a leftover of this target. */
async function* leftovers(
  parent: HeldFolder,
  path: string,
): AsyncGenerator<{ name: string; kind: Kind; folder?: HeldFolder }> {
  for (const bytes of parent.names()) {
    const name = bytes.toString()
    if (PARTIAL.exec(name)?.[1] !== basename(path)) continue
    using folder = openedFolder(parent.inside(name), join(parent.path, name))
    if (folder !== undefined) yield { name, kind: await kindOf(folder), folder }
    // Another restore may have ended and removed it.
    else if (await exists(parent.inside(name))) yield { name, kind: 'not ours' }
  }
}

/** Undefined for what is no folder, or may not be opened. */
function openedFolder(path: string, as = path): HeldFolder | undefined {
  try {
    return new HeldFolder(path, as)
  } catch {
    return undefined
  }
}

async function kindOf(folder: HeldFolder): Promise<Kind> {
  if (!folder.isPrivate) return 'not ours'
  const mark = await readMark(folder)
  if (mark !== undefined) {
    if (!MARK.test(mark) || !folder.names().every(name => OWN_NAMES.test(name.toString('latin1'))))
      return 'not ours'
    const [pid = '', start = ''] = mark.split(' ')
    const isRunning = isAlive(Number(pid)) && (await startOf(Number(pid))) === start
    return isRunning ? 'of a running restore' : 'of a killed restore'
  }
  if (Date.now() - folder.modifiedMs < UNMARKED_MS) return 'of a running restore'
  // Without our mark, it may be any folder of this user that somebody has renamed.
  return folder.names().length === 0 ? 'empty' : 'not ours'
}

async function readMark(folder: HeldFolder): Promise<string | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const mark = await open(folder.inside(OWNER), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => undefined)
  try {
    const facts = await mark?.stat()
    if (!facts?.isFile() || facts.uid !== process.geteuid?.() || facts.size > MAX_MARK_BYTES) return undefined
    return await mark?.readFile('utf8')
  } finally {
    await mark?.close()
  }
}

/** When a process started, in ticks since boot; empty without /proc. */
async function startOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The program's name, in brackets, may contain anything.
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
