import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isatty } from 'node:tty'
import { workerData } from 'node:worker_threads'
import { ArchiveError } from '#archive-error.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'

/** What the reader thread is told. */
export interface ReaderTask {
  /** An open file, FIFO or pipe; read from its current position to its end, and left open. */
  fd: number
  blocks: SharedBlocks
}

/** First pause when a pipe is empty; short enough that its 64 KiB do not fill up meanwhile. */
const SHORTEST_PAUSE_MS = 0.1
/** Longest pause when a pipe stays empty. */
const LONGEST_PAUSE_MS = 5

const pauseCell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/**
 * A pipe is opened once more, without blocking: a thread that sits in a blocking read can be ended by nobody but
 * the writer, and the process could not exit while a dump hangs. A thread that sleeps between reads can.
 */
function openUnblocking(fd: number): { fd: number; close: () => void } {
  const stat = fstatSync(fd)
  if (stat.isDirectory() || stat.isSocket() || isatty(fd)) {
    throw new ArchiveError('SOURCE', 'The file descriptor is neither a file nor a pipe', {
      hint: 'Pass a stream instead, for example process.stdin.',
    })
  }
  if (!stat.isFIFO()) return { fd, close: () => undefined }
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
    return { fd: own, close: () => closeSync(own) }
  } catch (cause) {
    throw new ArchiveError('SOURCE', 'The pipe cannot be opened for reading', {
      cause,
      hint: 'It belongs to another user, or there is no /proc. Pass a stream instead, for example process.stdin.',
    })
  }
}

/** Bytes read into `block` from `offset`; 0 at the end of the input, undefined when there is nothing yet. */
function readAvailable(fd: number, block: Uint8Array, offset: number): number | undefined {
  try {
    return readSync(fd, block, offset, block.length - offset, null)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined
    throw error
  }
}

/** Fills `block` as far as the input reaches, since a pipe gives 64 KiB at a time. Returns the bytes read. */
function readBlock(fd: number, block: Uint8Array): number {
  let length = 0
  let pauseMs = SHORTEST_PAUSE_MS
  while (length < block.length) {
    const count = readAvailable(fd, block, length)
    if (count === 0) break
    if (count === undefined) {
      Atomics.wait(pauseCell, 0, 0, pauseMs)
      pauseMs = Math.min(pauseMs * 1.1, LONGEST_PAUSE_MS)
    } else {
      length += count
      pauseMs = SHORTEST_PAUSE_MS
    }
  }
  return length
}

function readToEnd({ fd, blocks }: ReaderTask): void {
  const ring = new BlockRing(blocks)
  const input = openUnblocking(fd)
  // Hashed here and not in the compressor, which is the busiest of the threads.
  const hash = createHash('sha256')
  try {
    for (;;) {
      const block = ring.waitForSpace()
      const length = readBlock(input.fd, block)
      if (length > 0) {
        hash.update(block.subarray(0, length))
        ring.fill(0, length)
      }
      if (length < block.length) break
    }
  } finally {
    input.close()
  }
  ring.waitForSpace()
  ring.end(hash.digest())
}

readToEnd(workerData as ReaderTask)
