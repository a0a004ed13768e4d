import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Readable } from 'node:stream'
import type { ArchiveSource } from '@telegram-backup/archive'
import type { SourceFacts } from '#services/backup-metadata.ts'
import { cancelled, TelegramError } from '#telegram-error.ts'

/** What the caller gave as the file, opened. */
export interface BackupSource {
  archiveSource: ArchiveSource
  /** Of the source itself, for the part header. */
  filename: string
  /** Plain bytes, where known beforehand. */
  sizeBytes: number | undefined
  facts: SourceFacts
  /** After the last byte was read: whether what was read is what lay there. Throws `SOURCE` if it changed meanwhile. */
  assertUnchanged(plainBytesRead: number): Promise<void>
  close(): Promise<void>
}

/** Opens a path, a Buffer or a Readable. Throws `INVALID` for anything else, or a path that is no readable file. */
export async function openBackupSource(options: {
  file: unknown
  filename?: string | undefined
  type: string
  /** Ends the waiting for a FIFO's writer. */
  signal?: AbortSignal | undefined
}): Promise<BackupSource> {
  const { file, type, signal } = options
  if (typeof file === 'string' && file !== '') {
    return openPath(file, { filename: options.filename || basename(file), type, signal })
  }
  const filename = options.filename || DEFAULT_NAMES[options.type] || 'backup.bin'
  if (file instanceof Uint8Array) {
    return {
      archiveSource: file,
      filename,
      sizeBytes: file.byteLength,
      facts: { kind: 'buffer' },
      assertUnchanged: async () => {},
      close: async () => {},
    }
  }
  if (file instanceof Readable) {
    // It would pass for an empty file. One that has failed tells that itself when it is read.
    if (!file.readable && file.errored === null) {
      throw new TelegramError('The Readable has already been read or destroyed', 'INVALID')
    }
    return {
      archiveSource: file,
      filename,
      sizeBytes: undefined,
      facts: { kind: 'stream' },
      assertUnchanged: async () => {},
      close: async () => {},
    }
  }
  throw new TelegramError('The file is neither a path, a Buffer nor a Readable', 'INVALID')
}

const DEFAULT_NAMES: Readonly<Record<string, string>> = {
  database: 'database.sql',
  storage: 'storage.bin',
  logs: 'logs.log',
}

/**
 * Opens a file, or a FIFO, which waits for somebody to write into it. Nothing can call that wait off but a writer, so a
 * cancel is one for a moment.
 */
async function openForReading(path: string, signal: AbortSignal | undefined): Promise<FileHandle> {
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

async function openPath(
  path: string,
  { filename, type, signal }: { filename: string; type: string; signal: AbortSignal | undefined },
): Promise<BackupSource> {
  const handle = await openForReading(path, signal).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof TelegramError) throw error
    const reason =
      error.code === 'ENOENT'
        ? 'there is no such file'
        : error.code === 'EACCES'
          ? 'no permission'
          : error.code
    throw new TelegramError(`The file ${path} cannot be read: ${reason}`, 'INVALID', {
      hint: 'Check the path.',
    })
  })
  try {
    const before = await handle.stat()
    if (before.isDirectory()) {
      throw new TelegramError(`${path} is a directory`, 'INVALID', {
        hint: 'Pack it first, for example: tar c DIRECTORY | telegram-backup send - …',
      })
    }
    return {
      archiveSource: { fd: handle.fd },
      filename,
      sizeBytes: before.isFile() ? before.size : undefined,
      facts: before.isFile()
        ? { kind: 'file', size: before.size, modified_at: before.mtime.toISOString() }
        : { kind: 'pipe' },
      assertUnchanged: async plainBytesRead => {
        if (before.isFile()) assertSame(before, await handle.stat(), { path, plainBytesRead, type })
      },
      close: () => closeQuietly(handle),
    }
  } catch (error) {
    await closeQuietly(handle)
    throw error
  }
}

interface FileFacts {
  size: number
  mtimeMs: number
}

/** A log that only grew is whole up to the byte where reading ended; anything else that changed is a torn copy. */
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
  throw new TelegramError(`The file ${read.path} ${how} while it was read`, 'SOURCE', {
    hint: 'Send a copy or a snapshot of it, or send it when nothing writes to it.',
  })
}

async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => {})
}
