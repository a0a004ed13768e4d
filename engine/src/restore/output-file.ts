import { randomBytes } from 'node:crypto'
import { constants, rmSync, write as writeBytes } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { memberPathBytes, memberPathOf, shownName } from '@telegram-backup/archive'
import type { FileStamp } from '@telegram-backup/connectors/connector.ts'
import { BackupError, hint, option } from '@telegram-backup/errors'

/** Plain text of a backup: for the owner's eyes only, until the owner decides otherwise. */
const NEW_FILE_MODE = 0o600
/** Of one name, on the file systems that people have. */
const MAX_NAME_BYTES = 255

/** As {@link writeFileBy}, for bytes that come to us. */
export async function writeToFile(
  bytes: AsyncIterable<Buffer>,
  path: string,
  stamp?: () => FileStamp,
): Promise<number> {
  return await writeFileBy(fd => writeAll(fd, bytes), path, stamp)
}

/**
 * Has a file written beside `path`, whose bytes outside of UTF-8 are as in the path of a member, and gives it its name only when all of it is there and on disk; a failure leaves
 * whatever was at `path` before, and no other file. A file that was there keeps its mode, a link its place; a device or
 * a FIFO is written as it is. `stamp` is asked for mode and time once all is written. Returns the number of bytes, which `write` tells. Throws `USAGE` for a path that cannot be
 * written.
 */
export async function writeFileBy(
  write: (fd: number) => Promise<number>,
  path: string,
  stamp: () => FileStamp = () => ({}),
): Promise<number> {
  if (path === '')
    throw new BackupError('The name of the file is empty', {
      code: 'USAGE',
      hint: hint`Give ${option('out', 'FILE')}.`,
    })
  const bytes = memberPathBytes(path)
  const existing = await stat(bytes).catch(() => undefined)
  if (existing?.isDirectory()) {
    throw new BackupError(`${shownName(path)} is a directory`, { code: 'USAGE', hint: 'Name a file in it.' })
  }
  if (existing?.isFIFO() && existing.uid !== 0 && existing.uid !== process.getuid?.()) {
    throw new BackupError(`${shownName(path)} is a FIFO of another user, who would get to read the backup`, {
      code: 'USAGE',
      hint: hint`Choose another place with ${option('out')}.`,
    })
  }
  if (existing && !existing.isFile())
    return writeAndClose(await openForWriting(bytes, constants.O_WRONLY, path), write)
  const target = existing ? memberPathOf(await realpath(bytes, 'buffer')) : path
  if (memberPathBytes(basename(target)).length > MAX_NAME_BYTES) throw cannotWrite(path, 'ENAMETOOLONG')
  const temporary = memberPathBytes(
    join(dirname(target), `.telegram-backup-${randomBytes(6).toString('hex')}.partial`),
  )
  const file = await openForWriting(temporary, 'wx', path)
  // Also when the process is told to end at once.
  const removeAtExit = (): void => rmSync(temporary, { force: true })
  process.once('exit', removeAtExit)
  try {
    const size = await writeAndClose(file, async fd => {
      const size = await write(fd)
      await applyStamp(file, existing ? { ...stamp(), mode: existing.mode & 0o777 } : stamp())
      return size
    })
    await rename(temporary, memberPathBytes(target))
    await syncFolder(memberPathBytes(dirname(target)))
    return size
  } catch (error) {
    await rm(temporary, { force: true })
    throw withDiskHint(error)
  } finally {
    process.off('exit', removeAtExit)
  }
}

async function applyStamp(file: FileHandle, { mode, modifiedSeconds }: FileStamp): Promise<void> {
  if (modifiedSeconds !== undefined) await file.utimes(modifiedSeconds, modifiedSeconds)
  if (mode !== undefined) await file.chmod(mode)
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

const OPEN_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EACCES: 'no permission',
  EROFS: 'the disk is read-only',
  ENAMETOOLONG: 'the name is too long',
}

async function openForWriting(path: Buffer, flags: string | number, asked: string): Promise<FileHandle> {
  try {
    return await open(path, flags, NEW_FILE_MODE)
  } catch (error) {
    throw cannotWrite(asked, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
}

function cannotWrite(path: string, code: string): BackupError {
  return new BackupError(`${shownName(path)} cannot be written: ${OPEN_FAILURES[code] ?? code}`, {
    code: 'USAGE',
    hint: hint`Choose another place with ${option('out')}.`,
  })
}

function withDiskHint(error: unknown): unknown {
  if (!isDiskFull(error)) return error
  return new BackupError('The disk is full; nothing was written', {
    code: 'DISK_FULL',
    hint: hint`Free some room, or choose another place with ${option('out')}.`,
    cause: error,
  })
}

/** Also as the cause of an error of the archive, whose thread wrote. */
function isDiskFull(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  return code === 'ENOSPC' || (cause instanceof Error && isDiskFull(cause))
}

async function writeAndClose(file: FileHandle, write: (fd: number) => Promise<number>): Promise<number> {
  try {
    const size = await write(file.fd)
    await file.sync().catch((error: NodeJS.ErrnoException) => {
      // A device or a pipe cannot be synced.
      if (error.code !== 'EINVAL' && error.code !== 'EROFS') throw error
    })
    return size
  } finally {
    await file.close()
  }
}

const writeTo = promisify(writeBytes)

async function writeAll(fd: number, bytes: AsyncIterable<Buffer>): Promise<number> {
  let size = 0
  for await (const chunk of bytes) {
    let written = 0
    while (written < chunk.length) written += (await writeTo(fd, chunk, written)).bytesWritten
    size += chunk.length
  }
  return size
}

async function syncFolder(path: Buffer): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
