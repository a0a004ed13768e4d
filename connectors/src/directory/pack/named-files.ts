import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import type { LogFolder } from '#directory/pack/log-files.ts'
import { FIRST_HANDLE } from '#programs/child-output.ts'
import { HeldFolder } from '#programs/held-folder.ts'

/**
 * Single files, named so that tar finds each in the very folder that is held, whoever has given the folder's path to
 * something else meanwhile. tar takes a name for a path and would follow a link in the middle of it. So tar works in a folder
 * of our own, where nobody else can write, and where the path that files have in the backup leads to the handle:
 * `OURS/0/nginx -> /proc/self/fd/5`, and in another, for what lies in that one, `OURS/1/nginx/old -> /proc/self/fd/6`.
 */
export interface NamedFiles {
  /** What tar reads by {@link NAMED_FILES_ARGUMENTS}: names, and the folders of ours to find them in. Each ends with a zero byte. */
  list: Buffer
  /** What tar is to have as its descriptors from {@link FIRST_HANDLE} on. */
  handles: number[]
  /** Closes what is held. To be called when tar has it. */
  letGo(): void
  /** Lets go, and removes our folder. To be called when tar has ended. */
  remove(): Promise<void>
}

/** A list may change the folder, as an option. Names in it begin with `./`, so none of them is taken for one. */
export const NAMED_FILES_ARGUMENTS: readonly string[] = [
  '--no-recursion',
  '--null',
  '--no-verbatim-files-from',
  '--no-unquote',
  '--files-from=-',
]

/** tar takes options of a list apart as a shell does, and over quotes 1.35 breaks its memory: so there are none. */
const PLAIN_PATH = /^[\w/.+-]+$/

/** Takes the folders over: what it resolves to closes them, or it closes them itself and throws `SOURCE`. */
export async function nameFiles(folders: readonly LogFolder[]): Promise<NamedFiles> {
  const held = folders.map(folder => folder.held)
  let path: string | undefined
  const letGo = (): void => {
    for (const folder of held) folder.close()
  }
  const remove = async (): Promise<void> => {
    letGo()
    if (path !== undefined) await rm(path, { recursive: true, force: true })
  }
  try {
    path = await mkdtemp(join(tmpdir(), 'telegram-backup-'))
    const ours = new HeldFolder(path)
    held.unshift(ours)
    const seenByTar = ours.pathFor(FIRST_HANDLE).toString('latin1')
    if (!PLAIN_PATH.test(seenByTar)) throw new Error('its name has characters that tar takes for others')
    const list: string[] = []
    const made = new Set<string>()
    for (const [index, { folder, depth }] of nested(folders).entries()) {
      const link = `${depth}/${folder.path}`.slice(0, -1)
      const above = dirname(link)
      if (!made.has(above)) await mkdir(ours.insideBytes(bytesOf(above)), { recursive: true })
      made.add(above)
      await symlink(folder.held.pathFor(FIRST_HANDLE + 1 + index), ours.insideBytes(bytesOf(link)))
      list.push(`-C${seenByTar}/${depth}/.`, ...folder.names.map(name => `./${folder.path}${name}`))
    }
    return {
      list: bytesOf(list.map(entry => `${entry}\0`).join('')),
      handles: held.map(({ fd }) => fd),
      letGo,
      remove,
    }
  } catch (cause) {
    await remove()
    const { code, message } = cause as NodeJS.ErrnoException
    throw new BackupError(`The names of the logs cannot be laid out in ${tmpdir()}: ${code ?? message}`, {
      code: 'SOURCE',
      hint: 'It takes a temporary folder that can be written; TMPDIR names another.',
      cause,
    })
  }
}

/** How many of the others each lies in: a link can lead to a folder, or be a folder with links in it, not both. */
function nested(folders: readonly LogFolder[]): Array<{ folder: LogFolder; depth: number }> {
  const around: string[] = []
  // Sorted, a folder is followed by all that lie in it.
  return folders.map(folder => {
    while (!folder.path.startsWith(around.at(-1) ?? '')) around.pop()
    return { folder, depth: around.push(folder.path) - 1 }
  })
}

function bytesOf(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1')
}
