import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { BackupError } from '#lib/backups/backup-error.ts'

/**
 * Writes the bytes beside `path` and gives them its name only when all of them are there and on disk; a failure leaves
 * whatever was at `path` before, and no other file. A device or a FIFO is written as it is. Returns the number of bytes.
 */
export async function writeToFile(bytes: AsyncIterable<Buffer>, path: string): Promise<number> {
  const existing = await stat(path).catch(() => undefined)
  if (existing?.isDirectory())
    throw new BackupError(`${path} is a directory`, { code: 'USAGE', hint: 'Name a file.' })
  if (existing && !existing.isFile()) return writeInto(await openForWriting(path, 'w'), bytes)
  // Plain text of a backup: for the owner's eyes only, until the owner decides otherwise.
  const temporary = `${path}.partial-${randomBytes(6).toString('hex')}`
  const file = await openForWriting(temporary, 'wx')
  try {
    const size = await writeInto(file, bytes)
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return size
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Writes the bytes to a stream that stays open. Each part was verified before its bytes come here. */
export async function writeToStream(bytes: AsyncIterable<Buffer>, stream: Writable): Promise<number> {
  let size = 0
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of bytes) {
      size += chunk.length
      yield chunk
    }
  }
  await pipeline(counted(), stream, { end: false })
  return size
}

async function openForWriting(path: string, flags: string): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600)
  } catch (error) {
    throw new BackupError(`${path} cannot be written (${(error as NodeJS.ErrnoException).code})`, {
      code: 'USAGE',
    })
  }
}

async function writeInto(file: FileHandle, bytes: AsyncIterable<Buffer>): Promise<number> {
  let size = 0
  try {
    for await (const chunk of bytes) {
      let written = 0
      while (written < chunk.length) written += (await file.write(chunk, written)).bytesWritten
      size += chunk.length
    }
    await file.sync().catch((error: NodeJS.ErrnoException) => {
      // A device or a pipe cannot be synced.
      if (error.code !== 'EINVAL' && error.code !== 'EROFS') throw error
    })
    return size
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
