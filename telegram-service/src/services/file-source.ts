import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { hint, option, run } from '@telegram-backup/errors'
import type { BackupSource } from '#services/backup-source.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/** A path, or the bytes of a name that is not UTF-8, and how to show it. */
export type FilePath = string | { bytes: Buffer; shown: string }

/**
 * A file or a FIFO as a source. `finish` throws `SOURCE` when the file has changed. Throws `INVALID` for a
 * path that cannot be read, `CANCELLED` while it waits for a FIFO's writer.
 */
export async function openFile(
  given: FilePath,
  options: {
    filename?: string | undefined
    type: string
    /** Wait for a FIFO's writer, which takes one of this process's few threads; else a FIFO is refused. */
    waits?: boolean | undefined
    signal?: AbortSignal | undefined
  },
): Promise<BackupSource> {
  const { filename, type, waits = true, signal } = options
  const [bytes, path] = typeof given === 'string' ? [given, given] : [given.bytes, given.shown]
  const handle = await (waits ? openForReading(bytes, signal) : openAtOnce(bytes, path)).catch(
    (error: NodeJS.ErrnoException) => {
      if (error instanceof TelegramError) throw error
      const reason = REASONS[error.code ?? ''] ?? error.code
      throw new TelegramError(`The file ${path} cannot be read: ${reason}`, {
        code: 'INVALID',
        hint: 'Check the path.',
      })
    },
  )
  try {
    const before = await handle.stat()
    if (before.isDirectory()) {
      throw new TelegramError(`${path} is a directory`, {
        code: 'INVALID',
        hint: hint`Give it with ${option('directory')}; as a library, pack it first.`,
      })
    }
    return {
      archiveSource: { fd: handle.fd },
      filename: filename || basename(path),
      sizeBytes: before.isFile() ? before.size : undefined,
      facts: before.isFile()
        ? {
            kind: 'file',
            path: resolve(path),
            size: before.size,
            modified_at: before.mtime.toISOString(),
          }
        : { kind: 'pipe' },
      finish: async plainBytesRead => {
        if (before.isFile()) assertSame(before, await handle.stat(), { path, plainBytesRead, type })
        return {}
      },
      close: () => closeQuietly(handle),
    }
  } catch (error) {
    await closeQuietly(handle)
    throw error
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission',
}

/** Throws `INVALID` for a FIFO. */
async function openAtOnce(path: string | Buffer, shown: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (!(await handle.stat()).isFIFO()) return handle
  await closeQuietly(handle)
  throw new TelegramError(`${shown} is a pipe, and nothing waits for its writer here`, {
    code: 'INVALID',
    hint: hint`Write a file, or send it by hand: ${run('send', { file: true })}.`,
  })
}

/** Opens a file, or a FIFO once there is a writer: a cancel briefly becomes one. */
async function openForReading(path: string | Buffer, signal: AbortSignal | undefined): Promise<FileHandle> {
  const isFifo = await stat(path).then(
    facts => facts.isFIFO(),
    () => false,
  )
  if (!isFifo) return open(path, 'r')
  const wake = (): void => {
    open(path, constants.O_WRONLY | constants.O_NONBLOCK).then(closeQuietly, () => {})
  }
  if (signal?.aborted) throw cancelled()
  signal?.addEventListener('abort', wake, { once: true })
  try {
    const handle = await open(path, 'r')
    if (!signal?.aborted) return handle
    await closeQuietly(handle)
    throw cancelled()
  } finally {
    signal?.removeEventListener('abort', wake)
  }
}

interface FileFacts {
  size: number
  mtimeMs: number
}

/** A log that only grew is whole up to where reading ended; other changes make a torn copy. */
function assertSame(
  before: FileFacts,
  after: FileFacts,
  read: { path: string; plainBytesRead: number; type: string },
): void {
  const same =
    after.size === before.size && after.mtimeMs === before.mtimeMs && read.plainBytesRead === before.size
  const grewOnly =
    read.type === 'logs' &&
    after.size > before.size &&
    read.plainBytesRead >= before.size &&
    read.plainBytesRead <= after.size
  if (same || grewOnly) return
  const how = after.size < before.size ? 'shrank' : after.size > before.size ? 'grew' : 'was changed'
  throw new TelegramError(`The file ${read.path} ${how} while it was read`, {
    code: 'SOURCE',
    hint: 'Send a copy or a snapshot of it, or send it when nothing writes to it.',
  })
}

async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => {})
}
