import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { BackupError } from '@telegram-backup/errors'
import type { LogFolder } from '#directory/pack/log-files.ts'
import { FIRST_HANDLE } from '#programs/child-output.ts'
import { HeldFolder, latin1Bytes } from '#programs/held-folder.ts'

/**
 * Single files, named so that tar finds each in the very folder that is held, even if the folder's path leads
 * elsewhere by now. tar follows links in the middle of a name. So it works in a folder of ours, where nobody
 * else can write, and where links lead from paths to handles: `OURS/0/nginx -> /proc/self/fd/5`, and for a
 * folder inside of that, `OURS/1/nginx/old -> /proc/self/fd/6`.
 */
export interface NamedFiles {
  /** What tar reads by {@link NAMED_FILES_ARGUMENTS}: names, and our folders. Each ends with a zero byte. */
  list: Buffer
  /** tar's descriptors from {@link FIRST_HANDLE} on. */
  handles: number[]
  /** Closes what is held, once tar has it. */
  letGo(): void
  /** Lets go, and removes our folder, once tar has ended. */
  remove(): Promise<void>
}

/** The list may hold `-C` options. Names begin with `./`, so none of them is taken for an option. */
export const NAMED_FILES_ARGUMENTS: readonly string[] = [
  '--no-recursion',
  '--null',
  '--no-verbatim-files-from',
  '--no-unquote',
  '--files-from=-',
]

/** tar splits options in a list like a shell, and 1.35 corrupts its memory over quotes: so there are none. */
const PLAIN_PATH = /^[\w/.+-]+$/

/** Takes the folders over, and closes them when it throws. Throws `SOURCE`. */
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
      if (!made.has(above)) await mkdir(ours.insideBytes(latin1Bytes(above)), { recursive: true })
      made.add(above)
      await symlink(folder.held.pathFor(FIRST_HANDLE + 1 + index), ours.insideBytes(latin1Bytes(link)))
      list.push(`-C${seenByTar}/${depth}/.`, ...folder.names.map(name => `./${folder.path}${name}`))
    }
    return {
      list: latin1Bytes(list.map(entry => `${entry}\0`).join('')),
      handles: held.map(({ fd }) => fd),
      letGo,
      remove,
    }
  } catch (cause) {
    await remove()
    const { code, message } = cause as NodeJS.ErrnoException
    throw new BackupError(
      `The folder with links to the logs cannot be made in ${tmpdir()}: ${code ?? message}`,
      {
        code: 'SOURCE',
        hint: 'It needs a temporary folder that can be written; set TMPDIR to choose another.',
        cause,
      },
    )
  }
}

/** How many others each folder lies in: a name cannot be a link and a folder with links. */
function nested(folders: readonly LogFolder[]): Array<{ folder: LogFolder; depth: number }> {
  const around: string[] = []
  // In sorted order, a folder is followed by all that lie in it.
  return folders.map(folder => {
    while (!folder.path.startsWith(around.at(-1) ?? '')) around.pop()
    return { folder, depth: around.push(folder.path) - 1 }
  })
}
