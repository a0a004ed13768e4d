import { lstat, readdir } from 'node:fs/promises'
import { matchesGlob } from 'node:path/posix'
import { shownBytes } from '@telegram-backup/archive'
import { BackupError } from '@telegram-backup/errors'
import type { SkippedFile } from '#allowances.ts'

/** Which files of a directory are backed up as logs. */
export interface LogSelection {
  /** Globs; one without a slash is matched with the file's name alone, in any folder. None takes every file. */
  include: readonly string[]
  /** Only what was written to at this time or later. */
  since?: Date | undefined
}

/** What was found. */
export interface LogFiles {
  /** `./path` in bytes, in order. */
  names: Buffer[]
  /** Folders that could not be looked into. */
  skipped: SkippedFile[]
}

/** The regular files below `directory` that are selected. Symbolic links are neither taken nor followed. */
export async function findLogFiles(
  directory: string,
  selection: LogSelection,
  signal?: AbortSignal,
): Promise<LogFiles> {
  // Names are bytes; as Latin-1 they can be put together and sorted without loss.
  const root = Buffer.from(directory, 'utf8').toString('latin1')
  const found: string[] = []
  const skipped: SkippedFile[] = []
  const walk = async (folder: string): Promise<void> => {
    const entries = await readdir(bytesOf(`${root}/${folder}`), {
      withFileTypes: true,
      encoding: 'buffer',
    }).catch((error: NodeJS.ErrnoException) => {
      skipped.push({ path: shownBytes(bytesOf(folder.slice(0, -1))), reason: reasonOf(error) })
      return []
    })
    for (const entry of entries) {
      signal?.throwIfAborted()
      const path = `${folder}${entry.name.toString('latin1')}`
      if (entry.isDirectory()) await walk(`${path}/`)
      else if (entry.isFile() && (await isSelected(path))) found.push(`./${path}`)
    }
  }
  const isSelected = async (path: string): Promise<boolean> => {
    if (!matches(bytesOf(path).toString('utf8'), selection.include)) return false
    if (selection.since === undefined) return true
    const facts = await lstat(bytesOf(`${root}/${path}`)).catch(() => undefined)
    // One that went away is left to tar, which says so.
    return facts === undefined || facts.mtimeMs >= selection.since.getTime()
  }
  await walk('')
  return { names: found.sort().map(bytesOf), skipped }
}

function matches(path: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true
  const name = path.slice(path.lastIndexOf('/') + 1)
  return patterns.some(pattern =>
    pattern.includes('/') ? matchesGlob(path, pattern.replace(/^\.?\//, '')) : matchesGlob(name, pattern),
  )
}

function reasonOf(error: NodeJS.ErrnoException): SkippedFile['reason'] {
  if (error.code === 'EACCES' || error.code === 'EPERM') return 'unreadable'
  if (error.code === 'ENOENT') return 'vanished'
  throw new BackupError(`A folder of the logs cannot be read (${error.code})`, {
    code: 'SOURCE',
    cause: error,
  })
}

function bytesOf(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1')
}
