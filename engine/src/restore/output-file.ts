import { randomBytes } from 'node:crypto'
import { constants, rmSync, type Stats, write as writeBytes } from 'node:fs'
import { type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute } from 'node:path'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { memberPathBytes, memberPathOf, shownName } from '@telegram-backup/archive'
import type { FileStamp } from '@telegram-backup/connectors/members.ts'
import { HeldFolder } from '@telegram-backup/connectors/programs/held-folder.ts'
import { holdsOpenFiles, linkFreePath } from '@telegram-backup/connectors/programs/others-links.ts'
import { BackupError, hint, option } from '@telegram-backup/errors'

/** The plain bytes of a backup: only the owner may read them. */
const NEW_FILE_MODE = 0o600
/** The limit for one name on common file systems. */
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
 * Lets `write` fill a temporary file in the same folder, and renames it to `path` when it is complete and on
 * disk. A failure leaves what was at `path` before, and no other file. A file of this user keeps its mode, a
 * link its place; a device or a FIFO is written directly. Other users may have write access to the folder:
 * their links are not followed, and everything happens in the folder that was opened first. `stamp` gives
 * mode and time after the last byte. Bytes outside of UTF-8 are written in `path` as in the path of a member.
 * Returns the number of bytes. Throws `USAGE` for a path that cannot be written.
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
  const place = await findPlace(path)
  try {
    return await writeAt(place, path, { write, stamp })
  } finally {
    place.folder.close()
  }
}

/** Where the file will be: its folder, its name, and what has that name now. */
interface Place {
  folder: HeldFolder
  name: Buffer
  there: Stats | undefined
}

async function findPlace(path: string): Promise<Place> {
  let folder: HeldFolder | undefined
  try {
    const real = memberPathOf(
      await linkFreePath(memberPathBytes(isAbsolute(path) ? path : `${process.cwd()}/${path}`)),
    )
    const parent = memberPathBytes(dirname(real))
    const name = memberPathBytes(basename(real))
    folder = new HeldFolder(parent)
    if (!folder.isAt(parent)) throw exchanged(path)
    const there = await (holdsOpenFiles(parent) ? stat : lstat)(folder.insideBytes(name)).catch(
      () => undefined,
    )
    if (there?.isSymbolicLink()) throw exchanged(path)
    return { folder, name, there }
  } catch (error) {
    folder?.close()
    if (error instanceof BackupError) throw error
    throw cannotWrite(path, (error as NodeJS.ErrnoException).code ?? 'unknown')
  }
}

function exchanged(path: string): BackupError {
  return new BackupError(`Somebody replaced ${shownName(path)} at this moment`, {
    code: 'USAGE',
    hint: hint`Choose a place with ${option('out')} where no other user may write.`,
  })
}

interface Writing {
  write: (fd: number) => Promise<number>
  stamp: () => FileStamp
}

async function writeAt(
  { folder, name, there }: Place,
  path: string,
  { write, stamp }: Writing,
): Promise<number> {
  if (there?.isDirectory()) {
    throw new BackupError(`${shownName(path)} is a directory`, { code: 'USAGE', hint: 'Name a file in it.' })
  }
  if (there?.isFIFO() && there.uid !== 0 && there.uid !== process.geteuid?.()) {
    throw new BackupError(`${shownName(path)} is a FIFO of another user, who could read the backup`, {
      code: 'USAGE',
      hint: hint`Choose another place with ${option('out')}.`,
    })
  }
  const target = folder.insideBytes(name)
  if (there && !there.isFile()) return await writeAndClose(await openAsItIs(target, there, path), write)
  if (name.length > MAX_NAME_BYTES) throw cannotWrite(path, 'ENAMETOOLONG')
  const temporary = folder.insideBytes(
    Buffer.from(`.telegram-backup-${randomBytes(6).toString('hex')}.partial`),
  )
  const file = await openForWriting(temporary, 'wx', path)
  // Also when the process has to end at once.
  const removeAtExit = (): void => rmSync(temporary, { force: true })
  process.once('exit', removeAtExit)
  try {
    const size = await writeAndClose(file, async fd => {
      const size = await write(fd)
      await applyStamp(file, there ? { ...stamp(), mode: modeAfter(there) } : stamp())
      return size
    })
    await rename(temporary, target)
    await syncFolder(folder)
    return size
  } catch (error) {
    await rm(temporary, { force: true })
    throw withDiskHint(error)
  } finally {
    process.off('exit', removeAtExit)
  }
}

/** A new file keeps the mode of the file that it replaces, if that belongs to this user. */
function modeAfter(there: Stats): number {
  return there.uid === process.geteuid?.() ? there.mode & 0o777 : NEW_FILE_MODE
}

/** Opens a device or a FIFO, if it is still the same one. */
async function openAsItIs(target: Buffer, there: Stats, path: string): Promise<FileHandle> {
  const file = await openForWriting(target, constants.O_WRONLY, path)
  const opened = await file.stat()
  if (opened.dev === there.dev && opened.ino === there.ino) return file
  await file.close()
  throw exchanged(path)
}

async function applyStamp(file: FileHandle, { mode, modifiedSeconds }: FileStamp): Promise<void> {
  if (modifiedSeconds !== undefined) await file.utimes(modifiedSeconds, modifiedSeconds)
  if (mode !== undefined) await file.chmod(mode)
}

/** Writes the bytes to a stream, which stays open. Returns their number. */
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
    hint: hint`Free some space, or choose another place with ${option('out')}.`,
    cause: error,
  })
}

/** It may be the cause of an error of the archive, whose thread writes. */
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

async function syncFolder(held: HeldFolder): Promise<void> {
  const folder = await open(held.inside(), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
