import { createHash } from 'node:crypto'
import { constants, type FileHandle, open, stat } from 'node:fs/promises'
import type { CallOptions } from '#bot-api/call-policy.ts'
import { TelegramError } from '#telegram-error.ts'

export interface DownloadOptions extends CallOptions {
  maxBytes: number
  /** The answer of an earlier `locateFile`; it begins the first try. */
  located?: Promise<string> | undefined
  /** Memory for the bytes; its old content is lost even if the download fails. */
  into?: Buffer | undefined
}

export interface DownloadedFile {
  /** A view of `into`, or own memory. */
  bytes: Buffer
  /** Hex. */
  sha256: string
}

/** The path below `/file/bot<token>/`. Throws `UNPROVEN` for one that leads elsewhere. */
export function filePathInUrl(filePath: string): string {
  const segments = filePath.split('/')
  const leadsElsewhere = segments.some(segment => segment === '' || segment === '.' || segment === '..')
  if (leadsElsewhere || !filePath.isWellFormed()) throw notThePart()
  return segments.map(encodeURIComponent).join('/')
}

/**
 * Reads a file by the path that a server with --local names. Anything but a regular file of at most
 * `maxBytes` throws `UNPROVEN` without being opened: opening a watchdog or a tape has an effect.
 */
export async function readLocalFile(path: string, maxBytes: number): Promise<DownloadedFile> {
  const named = await stat(path).catch(cannotRead)
  if (!named.isFile()) throw notThePart()
  // Without O_NONBLOCK, opening a file that has become a FIFO would wait for a writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(cannotRead)
  try {
    const opened = await file.stat()
    if (!opened.isFile() || opened.size > maxBytes) throw notThePart()
    const bytes = await readBytes(file, opened.size)
    return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
  } finally {
    await file.close()
  }
}

function cannotRead({ code }: NodeJS.ErrnoException): never {
  throw new TelegramError(
    `The Bot API server keeps its files where this process cannot read them (${code})`,
    {
      code: 'CONFIGURATION',
      hint: 'Run this program on the server’s machine, as a user that may read its folder, or start the server without --local.',
    },
  )
}

/** Not `readFile`: a file that has changed must not fill the memory. */
async function readBytes(file: FileHandle, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeBytes)
  let used = 0
  while (used < sizeBytes) {
    const { bytesRead } = await file.read(bytes, used, sizeBytes - used, used)
    if (bytesRead === 0) break
    used += bytesRead
  }
  return bytes.subarray(0, used)
}

function notThePart(): TelegramError {
  return new TelegramError('The Bot API server named a file that is not the part', { code: 'UNPROVEN' })
}
