import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { matchesGlob } from 'node:path/posix'
import { shownBytes } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import type { SkippedFile } from '#allowances.ts'
import { HeldFolder, latin1Bytes } from '#programs/held-folder.ts'

export interface LogSelection {
  /** Globs; one without a slash is matched with the file's name in any folder. Empty: every file. */
  include: readonly string[]
  /** Takes only files written to at this time or later. */
  since?: Date | undefined
}

export interface LogFolder {
  held: HeldFolder
  /** Relative, with a slash at its end; empty for the directory itself. Latin-1, as the names are. */
  path: string
  names: string[]
}

export interface LogFiles {
  /** Sorted. The caller closes them. */
  folders: LogFolder[]
  /** Folders that could not be looked into. */
  skipped: SkippedFile[]
}

/**
 * The selected regular files below `directory`. Symbolic links are neither taken nor followed, even if
 * somebody exchanges a folder for one meanwhile: each folder is opened from the one above it, and held.
 * Throws `SOURCE` where more folders hold such files than this process may open.
 */
export async function findLogFiles(
  directory: string,
  selection: LogSelection,
  signal?: AbortSignal,
): Promise<LogFiles> {
  const held = new Set<LogFolder>()
  const skipped: SkippedFile[] = []
  const walk = async (at: string | Buffer, path: string): Promise<void> => {
    const [folder, entries] = await openFolder(at, path).catch((error: NodeJS.ErrnoException) => {
      skipped.push({ path: shownBytes(latin1Bytes(path.slice(0, -1))), reason: reasonOf(error) })
      return []
    })
    if (folder === undefined) return
    held.add(folder)
    const below: string[] = []
    for (const entry of entries) {
      signal?.throwIfAborted()
      const name = entry.name.toString('latin1')
      if (entry.isDirectory()) below.push(name)
      else if (entry.isFile() && (await isSelected(folder, name, selection))) folder.names.push(name)
    }
    folder.names.sort()
    for (const name of below) await walk(folder.held.insideBytes(latin1Bytes(name)), `${path}${name}/`)
    if (folder.names.length > 0) return
    folder.held.close()
    held.delete(folder)
  }
  try {
    await walk(isAbsolute(directory) ? directory : `${process.cwd()}/${directory}`, '')
  } catch (error) {
    for (const folder of held) folder.held.close()
    throw error
  }
  return { folders: [...held].sort((a, b) => (a.path < b.path ? -1 : 1)), skipped }
}

async function openFolder(at: string | Buffer, path: string): Promise<[LogFolder, Dirent<Buffer>[]]> {
  const held = new HeldFolder(at)
  try {
    const entries = await readdir(held.insideBytes(Buffer.from('.')), {
      withFileTypes: true,
      encoding: 'buffer',
    })
    return [{ held, path, names: [] }, entries]
  } catch (error) {
    held.close()
    throw error
  }
}

async function isSelected(
  { held, path }: LogFolder,
  name: string,
  { include, since }: LogSelection,
): Promise<boolean> {
  // Names are bytes; as Latin-1 they can be joined and sorted without loss.
  if (!matches(latin1Bytes(`${path}${name}`).toString('utf8'), include)) return false
  if (since === undefined) return true
  const facts = await lstat(held.insideBytes(latin1Bytes(name))).catch(() => undefined)
  // tar reports a file that is gone.
  return facts === undefined || facts.mtimeMs >= since.getTime()
}

function matches(path: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true
  const name = path.slice(path.lastIndexOf('/') + 1)
  return patterns.some(pattern =>
    pattern.includes('/') ? matchesGlob(path, pattern.replace(/^\.?\//, '')) : matchesGlob(name, pattern),
  )
}

/** Somebody has replaced a folder, by a link for example. */
const GONE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

function reasonOf(error: NodeJS.ErrnoException): SkippedFile['reason'] {
  const { code = '' } = error
  if (code === 'EACCES' || code === 'EPERM') return 'unreadable'
  if (GONE.has(code)) return 'vanished'
  throw new BackupError(`A folder of the logs cannot be read (${code})`, {
    code: 'SOURCE',
    hint: code === 'EMFILE' || code === 'ENFILE' ? TOO_MANY : undefined,
    cause: error,
  })
}

const TOO_MANY =
  'The program keeps each folder with a log file open. Raise the limit of open files (ulimit -n, LimitNOFILE= of a unit), or send its folders one by one.'
