import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import { type Fifo, openFifo } from '#programs/fifo.ts'
import { forEachLine } from '#programs/lines.ts'
import { ProcessGroup } from '#programs/process-group.ts'

/** The first descriptor of a program for handles of ours; 3 is the side FIFO. */
export const FIRST_HANDLE = 4

export interface ChildOptions {
  program: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  encoding: 'utf8' | 'latin1'
  onErrorLine: (line: string) => void
  /** Its stdin; default: nothing. */
  input?: Uint8Array
  /** Gets the lines, as Latin-1, that it writes to its descriptor 3, a FIFO. */
  onSideLine?: (line: string) => void
  /**
   * Descriptors that it gets from {@link FIRST_HANDLE} on. The caller may close them once the program runs.
   */
  handles?: readonly number[]
  /**
   * Called when the program has ended without output: gives arguments to run it once more, or undefined. How
   * it ended must also show that it wrote nothing: not every file system records writes to a FIFO.
   */
  again?: (end: ChildEnd) => Promise<readonly string[] | undefined>
}

export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface ChildOutput {
  /** The reading end of the FIFO it writes to. */
  readonly fd: number
  /** Resolves when the program is gone and all its output was read. Never rejects. */
  readonly ended: Promise<ChildEnd>
  /** Stops it; what it wrote can still be read. */
  stop(): void
  /** Stops it, resolves when it is gone, and closes `fd`. May be called repeatedly. */
  close(): Promise<void>
}

/**
 * Starts a program whose output goes through a FIFO into a thread of the archive, never through this thread.
 * In its own process group, it gets no Ctrl-C of the terminal: we stop it in order. Throws `SOURCE` when it
 * cannot be started.
 */
export async function startChild(options: ChildOptions): Promise<ChildOutput> {
  const output = await openFifo()
  const side = options.onSideLine && (await openFifo().catch(closeAndThrow(output)))
  const writeFds = [output.writeFd, ...(side ? [side.writeFd] : [])]
  // A second run writes to the same side FIFO.
  const heardBeside =
    side && options.onSideLine
      ? hear(new Socket({ fd: side.readFd, readable: true, writable: false }), 'latin1', options.onSideLine)
      : undefined
  const closeWriting = (): void => {
    for (const fd of writeFds.splice(0)) closeSync(fd)
  }
  const untouched = lastWrite(output.readFd)
  let first: Running | undefined
  try {
    first = launch(options, options.args, writeFds)
    // The reader must not see an end while the program may run again.
    if (options.again === undefined) closeWriting()
    await once(first.child, 'spawn')
  } catch (cause) {
    first?.group.forget()
    closeWriting()
    await Promise.all([first?.heard, heardBeside])
    closeSync(output.readFd)
    throw new BackupError(`${options.program} cannot be started (${(cause as NodeJS.ErrnoException).code})`, {
      code: 'SOURCE',
      cause,
    })
  }
  let running = first
  let isStopped = false
  const followed = async (): Promise<ChildEnd> => {
    const end = await running.ended
    try {
      // The outputs of two runs must not mix.
      const mayRunAgain = !isStopped && lastWrite(output.readFd) === untouched
      const args = mayRunAgain ? await options.again?.(end) : undefined
      if (args === undefined || isStopped) return end
      running = launch(options, args, writeFds)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      options.onErrorLine(`error: ${options.program} cannot be started once more (${code ?? 'no reason'})`)
      return end
    }
    closeWriting()
    return await running.ended
  }
  const ended = followed().then(async end => {
    closeWriting()
    await heardBeside
    return end
  })
  const stop = (): void => {
    isStopped = true
    running.group.stop()
  }
  let closing: Promise<void> | undefined
  return {
    fd: output.readFd,
    ended,
    stop,
    close: () => {
      stop()
      closing ??= ended.then(() => closeSync(output.readFd))
      return closing
    },
  }
}

/** Time of the last write to a FIFO, where its file system records it; an overlay does not. */
function lastWrite(fd: number): bigint {
  return fstatSync(fd, { bigint: true }).mtimeNs
}

interface Running {
  child: ChildProcess
  group: ProcessGroup
  /** Resolves when its stderr was read. */
  heard: Promise<void>
  /** Resolves when it is gone as well. */
  ended: Promise<ChildEnd>
}

function launch(options: ChildOptions, args: readonly string[], writeFds: readonly number[]): Running {
  const [outputFd = 'ignore', sideFd = 'ignore'] = writeFds
  const child = spawn(options.program, args, {
    env: options.env,
    detached: true,
    stdio: [options.input ? 'pipe' : 'ignore', outputFd, 'pipe', sideFd, ...(options.handles ?? [])],
  })
  // Attached at once, or the first lines would be lost.
  const heard = hear(child.stderr, options.encoding, options.onErrorLine)
  const closed = new Promise<ChildEnd>(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    // It could not even be started.
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  // A program that fails early closes its input; stderr says why.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input)
  const group = new ProcessGroup(child)
  const ended = Promise.all([closed, heard]).then(([end]) => {
    group.forget()
    return end
  })
  return { child, group, heard, ended }
}

function closeAndThrow(fifo: Fifo): (error: unknown) => never {
  return error => {
    closeSync(fifo.readFd)
    closeSync(fifo.writeFd)
    throw error
  }
}

async function hear(
  stream: Readable | null,
  encoding: 'utf8' | 'latin1',
  onLine: (line: string) => void,
): Promise<void> {
  // The program's end reports the reason.
  if (stream) await forEachLine(stream.setEncoding(encoding), onLine).catch(() => {})
}
