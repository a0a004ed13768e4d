import { createHash } from 'node:crypto'
import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { parentPort, workerData } from 'node:worker_threads'
import { ArchiveError } from '#archive-error.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { endWhenTold } from '#threads/thread.ts'

/** What the thread that writes is told. */
export interface FileWriterTask {
  /** An open file, pipe or device; written from its current position on, and left open. */
  fd: number
  blocks: SharedBlocks
  /** Whether to hash all that is written: here and not in the decompressor, which is the busier thread. */
  hashes: boolean
}

/** Sent after each block, and once more when nothing follows. */
export interface BlocksWritten {
  plainBytes: number
  isEnd: boolean
  /** Of all bytes, hex; with the last message, when it was asked for. */
  sha256?: string
}

/** Where the blocks go. */
interface Target {
  write(block: Uint8Array): void | Promise<void>
  close(): void
}

/**
 * Bytes of one write. For longer ones the kernel looks for runs of free memory that are as long, which can
 * take it several times as long as the copying itself.
 */
const MAX_WRITE_BYTES = 128 * 1024
/** After how long a device that takes nothing at the moment is asked again. */
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

/**
 * Whoever reads a pipe may stop reading, and a thread in a blocking write could not be ended then. So the event loop
 * waits for the reader, on a descriptor of its own, since the flags of the given one are those of everybody who has it.
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

function targetOf(fd: number, ring: BlockRing): Target {
  const stat = fstatSync(fd)
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

async function writeBlocks({ fd, blocks, hashes }: FileWriterTask): Promise<void> {
  const ring = new BlockRing(blocks)
  const target = targetOf(fd, ring)
  const hash = hashes ? createHash('sha256') : undefined
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

endWhenTold()
await writeBlocks(workerData as FileWriterTask)
