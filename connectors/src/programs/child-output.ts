import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { BackupError } from '@telegram-backup/errors'
import { type Fifo, openFifo } from '#programs/fifo.ts'
import { forEachLine } from '#programs/lines.ts'

/** The first of a program's descriptors that may be a handle of ours; the one before it is for what it says besides. */
export const FIRST_HANDLE = 4

/** A program to run, whose standard output is the backup. */
export interface ChildOptions {
  program: string
  args: readonly string[]
  /** All of its environment. */
  env: Readonly<Record<string, string>>
  /** Of what it says on stderr. */
  encoding: 'utf8' | 'latin1'
  onErrorLine: (line: string) => void
  /** What it reads; nothing if left out. */
  input?: Uint8Array
  /** Hears the lines, as Latin-1, that it writes to its descriptor 3, which is a FIFO. */
  onSideLine?: (line: string) => void
  /** Descriptors that it gets as its own, from {@link FIRST_HANDLE} on. Once it was started, whoever opened them may close them. */
  handles?: readonly number[]
  /**
   * Asked when it has ended and wrote nothing: the arguments with which it is run once more. Undefined where its end stands.
   * That it wrote nothing is to follow from how it ended, too: not every file system tells that something was written.
   */
  again?: (end: ChildEnd) => Promise<readonly string[] | undefined>
}

/** How a program ended. */
export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A program at work. */
export interface ChildOutput {
  /** The reading end of the FIFO it writes to. */
  readonly fd: number
  /** Resolves when the program is gone and all it said was heard. Never rejects. */
  readonly ended: Promise<ChildEnd>
  /** Ends it before its time; what it wrote so far can still be read. */
  stop(): void
  /** Stops it, resolves when it is gone, and closes `fd`. May be called repeatedly. */
  close(): Promise<void>
}

/** What a program gets to end by itself before it is killed; pg_dump tells the server meanwhile. */
const GRACE_MS = 2_000

/**
 * Starts a program whose output goes through a FIFO into a thread of the archive, never through this thread. It runs in
 * a process group of its own, so that Ctrl-C reaches it by us, in good order. Throws `SOURCE` when it cannot be started.
 */
export async function startChild(options: ChildOptions): Promise<ChildOutput> {
  const output = await openFifo()
  const side = options.onSideLine && (await openFifo().catch(closeAndThrow(output)))
  const writeFds = [output.writeFd, ...(side ? [side.writeFd] : [])]
  // One line of the side FIFO follows the other, whichever run they come from.
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
    // While it may be run again, the reader must not see an end.
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
      // Two outputs in one would be no backup.
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

/** When somebody last wrote to a FIFO, as far as its file system keeps that; an overlay does not. */
function lastWrite(fd: number): bigint {
  return fstatSync(fd, { bigint: true }).mtimeNs
}

interface Running {
  child: ChildProcess
  group: ProcessGroup
  /** Resolves when all it said on stderr was heard. */
  heard: Promise<void>
  /** Resolves when besides it is gone. */
  ended: Promise<ChildEnd>
}

function launch(options: ChildOptions, args: readonly string[], writeFds: readonly number[]): Running {
  const [outputFd = 'ignore', sideFd = 'ignore'] = writeFds
  const child = spawn(options.program, args, {
    env: options.env,
    detached: true,
    stdio: [options.input ? 'pipe' : 'ignore', outputFd, 'pipe', sideFd, ...(options.handles ?? [])],
  })
  // Attached before anything is waited for, or what it says first would be lost.
  const heard = hear(child.stderr, options.encoding, options.onErrorLine)
  const closed = new Promise<ChildEnd>(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }))
    // It could not even be started.
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  // A program that fails early closes its end, and its words on stderr tell why.
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
  // What breaks off is seen by the program's end.
  if (stream) await forEachLine(stream.setEncoding(encoding), onLine).catch(() => {})
}

/** A program and all that it started; none of them outlives us. */
class ProcessGroup {
  readonly #child: ChildProcess
  readonly #onExit = (): void => this.#kill('SIGKILL')
  #timer: NodeJS.Timeout | undefined
  #isGone = false

  constructor(child: ChildProcess) {
    this.#child = child
    process.on('exit', this.#onExit)
  }

  /** Asks it to end, and kills it when it does not. */
  stop(): void {
    if (this.#isGone || this.#timer) return
    this.#kill('SIGTERM')
    this.#timer = setTimeout(() => this.#kill('SIGKILL'), GRACE_MS)
  }

  /** To be called when it is gone: its number may soon be another's. */
  forget(): void {
    this.#isGone = true
    clearTimeout(this.#timer)
    process.off('exit', this.#onExit)
  }

  #kill(signal: NodeJS.Signals): void {
    if (this.#isGone || this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // It went just now.
    }
  }
}
