import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { ArchiveError } from '#archive-error.ts'

/** Far more than any secret needs. */
const MOST_BYTES = 1024 * 1024
/** Pause before asking an idle writer again. */
const PAUSE_MS = 10

/** The content of pipes by path: it comes only once, and settings are read more than once. */
const piped = new Map<string, string>()

/**
 * The text of a small file, or of `/dev/stdin`, a process substitution, or a FIFO. An empty pipe gives its
 * earlier content.
 * @param check gets the opened file before it is read
 * @throws system errors, and ArchiveError `CONFIGURATION` for a FIFO without a writer, and for more than 1
 * MiB
 */
export function readSecretFile(path: string, check?: (facts: Stats) => void): string {
  // A blocking open of a FIFO would stop the whole program until somebody writes, out of reach of Ctrl-C.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = fstatSync(fd)
    check?.(facts)
    const text = readToEnd(fd, path).toString('utf8')
    if (!facts.isFIFO()) return text
    if (text !== '') piped.set(path, text)
  } finally {
    closeSync(fd)
  }
  const text = piped.get(path)
  if (text !== undefined) return text
  throw new ArchiveError(`${path} is a FIFO into which nobody writes`, {
    code: 'CONFIGURATION',
    hint: 'Name a file, or start what writes into it first.',
  })
}

function readToEnd(fd: number, path: string): Buffer {
  const bytes = Buffer.alloc(MOST_BYTES + 1)
  let size = 0
  while (size < bytes.length) {
    const length = readSome(fd, bytes.subarray(size))
    if (length === 0) return bytes.subarray(0, size)
    if (length === undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS)
    else size += length
  }
  throw new ArchiveError(`${path} is too large to be a secret`, {
    code: 'CONFIGURATION',
    hint: 'Name the file that holds the secret and nothing else.',
  })
}

/** Bytes read; 0 at the end, undefined while a writer is idle. */
function readSome(fd: number, into: Buffer): number | undefined {
  try {
    return readSync(fd, into)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}
