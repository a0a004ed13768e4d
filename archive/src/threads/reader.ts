import { createHash } from 'node:crypto'
import { constants, fstatSync, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty } from 'node:tty'
import { parentPort, workerData } from 'node:worker_threads'
import { ArchiveError } from '#archive-error.ts'
import { copyBytes } from '#copy-bytes.ts'
import type { Hole, PlainWatch, Watcher, WatchModule } from '#source.ts'
import { systemErrorSuffix } from '#system-error.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { BlockWriter } from '#threads/block-writer.ts'
import { endOnMessage } from '#threads/thread.ts'

export interface ReaderTask {
  /** An open file, FIFO or pipe; read from its current position to its end, and left open. */
  fd: number
  blocks: SharedBlocks
  /** For a resumed archive: the file must begin with the plain bytes of these parts, which are skipped. */
  earlier: readonly EarlierPlain[]
  /** Of a file that is read from its beginning: what reads as zeros, in order, and is not read. */
  holes: readonly Hole[]
  watch: Pick<PlainWatch, 'module' | 'task'> | undefined
}

/** From the reader: what its watcher has found. */
export interface WatchEnd {
  found: unknown
}

interface EarlierPlain {
  plainSize: number
  /** Hex. */
  plainSha256: string
}

const PIPE_BYTES = 64 * 1024
const PASSING_BYTES = 1024 * 1024

/** Fills a piece of memory with the next bytes. Returns their number, 0 at the end. */
type Read = (room: Uint8Array) => number

function readToEnd(read: Read, writer: BlockWriter): void {
  for (;;) {
    const length = read(writer.waitForRoom())
    if (length === 0) break
    writer.advance(length)
  }
  finish(writer)
}

function readsFrom(fd: number): Read {
  return room => readSync(fd, room, 0, room.length, null)
}

/** The first reading of a hole costs the system as much as twenty readings of bytes in its memory. */
function readsAround(fd: number, holes: readonly Hole[]): Read {
  let position = 0
  let next = 0
  return room => {
    while (next < holes.length && (holes[next] as Hole).end <= position) next++
    const { start, end } = holes[next] ?? { start: Number.POSITIVE_INFINITY, end: 0 }
    const isInHole = position >= start
    const length = Math.min(room.length, (isInHole ? end : start) - position)
    if (isInHole) room.fill(0, 0, length)
    const done = isInHole ? length : readSync(fd, room, 0, length, position)
    position += done
    return done
  }
}

/** Part by part, so that a changed file is noticed before anything is added. */
function passEarlier(read: Read, writer: BlockWriter, earlier: readonly EarlierPlain[]): void {
  const buffer = Buffer.allocUnsafeSlow(PASSING_BYTES)
  for (const [index, { plainSize, plainSha256 }] of earlier.entries()) {
    const hash = createHash('sha256')
    for (let left = plainSize; left > 0; ) {
      const length = read(buffer.subarray(0, Math.min(left, buffer.length)))
      if (length === 0) break
      const piece = buffer.subarray(0, length)
      hash.update(piece)
      writer.pass(piece)
      left -= length
    }
    if (hash.digest('hex') === plainSha256) continue
    throw new ArchiveError(`The file is not what part ${index + 1} was made of`, {
      code: 'SOURCE',
      partNumber: index + 1,
      hint: 'It has changed since; send it anew.',
    })
  }
}

/**
 * Only its writer can end a blocking read of a pipe, and the process could not exit while a dump hangs. So
 * the event loop waits for it, on a descriptor that the socket closes.
 */
function readPipe(fd: number, writer: BlockWriter): void {
  const own = openAgain(fd)
  const pipe = new Socket({
    fd: own,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.allocUnsafeSlow(PIPE_BYTES),
      callback: (length, buffer) => {
        for (let offset = 0; offset < length; ) {
          const room = writer.waitForRoom()
          const piece = buffer.subarray(offset, Math.min(length, offset + room.length))
          copyBytes(room, piece)
          writer.advance(piece.length)
          offset += piece.length
        }
        return true
      },
    },
  })
  pipe.on('error', error => {
    throw error
  })
  pipe.on('end', () => finish(writer))
  try {
    // Linux does not tell the event loop about a writer that closed before this open. So all that is there is
    // read first, to the end or until only a living writer can add to it.
    readToEnd(readsFrom(own), writer)
    pipe.destroy()
  } catch (error) {
    if (!isNotReady(error)) throw error
  }
}

function openAgain(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw new ArchiveError(`The pipe cannot be opened for reading${systemErrorSuffix(cause)}`, {
      code: 'SOURCE',
      cause,
      hint: 'It belongs to another user, or there is no /proc. Pass a stream instead, for example process.stdin.',
    })
  }
}

function isNotReady(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}

function finish(writer: BlockWriter): void {
  writer.flush()
  // Sent first: this thread may be gone as soon as the last part is taken.
  watching.end()
  writer.waitForRoom()
  writer.end()
}

/** The watcher, until it fails. */
class Watching {
  #watcher: Watcher | undefined

  async begin(watch: ReaderTask['watch']): Promise<void> {
    if (watch === undefined) return
    try {
      const module = (await import(watch.module)) as WatchModule
      this.#watcher = module.watch(watch.task)
    } catch {
      // The archive does without.
    }
  }

  readonly see = (bytes: Uint8Array): void => {
    if (this.#watcher !== undefined) this.#try(() => this.#watcher?.see(bytes))
  }

  end(): void {
    if (this.#watcher === undefined) return
    this.#try(() => {
      const { found, moved = [] } = this.#watcher?.end() ?? { found: undefined }
      const end: WatchEnd = { found }
      parentPort?.postMessage(end, moved)
    })
  }

  #try(work: () => void): void {
    try {
      work()
    } catch {
      this.#watcher = undefined
    }
  }
}

function read({ fd, blocks, earlier, holes }: ReaderTask, see: (bytes: Uint8Array) => void): void {
  const writer = new BlockWriter(new BlockRing(blocks), see)
  const stat = fstatSync(fd)
  const next = holes.length === 0 ? readsFrom(fd) : readsAround(fd, holes)
  if (earlier.length > 0) {
    if (!stat.isFile())
      throw new ArchiveError('Only a file can be read again from its beginning', { code: 'SOURCE' })
    passEarlier(next, writer, earlier)
  }
  if (stat.isFIFO()) {
    readPipe(fd, writer)
  } else if (stat.isFile() || stat.isBlockDevice() || (stat.isCharacterDevice() && !isatty(fd))) {
    readToEnd(next, writer)
  } else {
    throw new ArchiveError('The file descriptor is neither a file nor a pipe', {
      code: 'SOURCE',
      hint: 'Pass a stream instead, for example process.stdin.',
    })
  }
}

endOnMessage()
const task = workerData as ReaderTask
const watching = new Watching()
await watching.begin(task.watch)
read(task, watching.see)
