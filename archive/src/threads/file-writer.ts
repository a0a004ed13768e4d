import { createHash } from 'node:crypto'
import { constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { parentPort, workerData } from 'node:worker_threads'
import { ArchiveError } from '#archive-error.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { endOnMessage } from '#threads/thread.ts'

export interface FileWriterTask {
  /** An open file, pipe or device; written from its current position, and left open. */
  fd: number
  blocks: SharedBlocks
  /** Hash all bytes: not in the decompressor, the busier thread. */
  hashes: boolean
  /** The file is new and empty: runs of zeros become holes. A pipe or a device gets its zeros. */
  sparse: boolean
}

/** Posted after each block, and at the end. */
export interface BlocksWritten {
  plainBytes: number
  isEnd: boolean
  /** Of all bytes, hex; in the last message, if asked for. */
  sha256?: string
}

interface Target {
  write(block: Uint8Array): void | Promise<void>
  close(): void
}

/**
 * Bytes of one write. For longer ones the kernel looks for runs of free memory that are as long, which can
 * take it several times as long as the copying itself.
 */
const MAX_WRITE_BYTES = 128 * 1024
/** What becomes a hole when a whole write has only these. */
const ZEROS = new Uint8Array(MAX_WRITE_BYTES)
/** Pause before a busy device is tried again. */
const RETRY_MS = 1

function fileTarget(fd: number, ring: BlockRing): Target {
  return {
    write: block => {
      for (let offset = 0; offset < block.length; ) {
        try {
          offset += writeSync(fd, block, offset, Math.min(block.length - offset, MAX_WRITE_BYTES))
        } catch (error) {
          if (!isNotReady(error)) throw error
          ring.throwIfStopped()
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS)
        }
      }
    },
    close: () => undefined,
  }
}

/** Leaves out what is zero, by positions, so it takes no room on the disk. */
function sparseTarget(fd: number): Target {
  let position = 0
  return {
    write: block => {
      for (let offset = 0; offset < block.length; ) {
        const piece = block.subarray(offset, offset + MAX_WRITE_BYTES)
        const isHole = Buffer.compare(piece, ZEROS.subarray(0, piece.length)) === 0
        const length = isHole ? piece.length : writeSync(fd, piece, 0, piece.length, position)
        offset += length
        position += length
      }
    },
    // The last hole has no byte behind it that would make the file as long.
    close: () => ftruncateSync(fd, position),
  }
}

/**
 * A reader may stop reading, and nothing can end a blocking write. So the event loop waits for it, on its own
 * descriptor, since flags of the given one are shared with other processes.
 */
function pipeTarget(fd: number): Target {
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK)
  const pipe = new Socket({ fd: own, readable: false, writable: true })
  pipe.on('error', error => {
    throw error
  })
  return {
    write: block =>
      new Promise(resolve => {
        pipe.write(block, error => {
          if (!error) resolve()
        })
      }),
    close: () => pipe.destroy(),
  }
}

function targetOf({ fd, sparse }: FileWriterTask, ring: BlockRing): Target {
  const stat = fstatSync(fd)
  if (sparse && stat.isFile()) return sparseTarget(fd)
  if (stat.isFIFO()) return pipeTarget(fd)
  if (stat.isFile() || stat.isBlockDevice() || (stat.isCharacterDevice() && !isatty(fd)))
    return fileTarget(fd, ring)
  throw new ArchiveError('The file descriptor is neither a file nor a pipe', {
    code: 'TARGET',
    hint: 'Iterate over readArchive and write to a stream instead, for example process.stdout.',
  })
}

function isNotReady(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

async function writeBlocks(task: FileWriterTask): Promise<void> {
  const ring = new BlockRing(task.blocks)
  const target = targetOf(task, ring)
  const hash = task.hashes ? createHash('sha256') : undefined
  const report = (written: BlocksWritten): void => parentPort?.postMessage(written)
  let plainBytes = 0
  for (let block = ring.waitForBlock(); block; block = ring.waitForBlock()) {
    await target.write(block)
    hash?.update(block)
    plainBytes += block.length
    ring.release()
    report({ plainBytes, isEnd: false })
  }
  target.close()
  report({ plainBytes, isEnd: true, ...(hash && { sha256: hash.digest('hex') }) })
}

endOnMessage()
await writeBlocks(workerData as FileWriterTask)
