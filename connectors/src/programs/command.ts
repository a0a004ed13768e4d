import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { forEachLine } from '#programs/lines.ts'
import { ProcessGroup } from '#programs/process-group.ts'

export interface Command {
  /** The absolute path of the program. */
  program: string
  args: readonly string[]
  environment: Readonly<Record<string, string>>
  /** After so long it gets SIGTERM, and SIGKILL when that does not end it. */
  limitMs: number
  signal: AbortSignal
  /** Gets the lines of stdout and stderr; those beyond {@link MOST_OUTPUT} are dropped. */
  onLine: (line: string) => void
}

export interface CommandEnd {
  /** Null when a signal ended it, or when it could not be started. */
  exitCode: number | null
  /** In words: `exit code 3`, `ended by SIGTERM`, `not ended within 5 s`. */
  how: string
  isOk: boolean
}

/** Characters of output that are kept of one command. */
export const MOST_OUTPUT: number = 64 * 1024
/** For a program that undoes what it did when it gets SIGTERM. */
const GRACE_MS = 5_000
/** A child that left the process group may keep the output open for ever. */
const LAST_WORDS_MS = 500

/**
 * Runs a command to its end, in the root folder and without input. None of its process group outlives it.
 * Never throws.
 */
export async function runCommand(command: Command): Promise<CommandEnd> {
  const { limitMs, signal } = command
  if (signal.aborted) return failed('not started: cancelled')
  let child: ChildProcessByStdio<null, Readable, Readable>
  try {
    child = start(command)
  } catch (error) {
    // Node throws some reasons, such as ETXTBSY, and gives others as an event.
    return cannotStart(error)
  }
  const heard = hear([child.stdout, child.stderr], command.onLine)
  const group = new ProcessGroup(child, { graceMs: GRACE_MS })
  let why: string | undefined
  const stop = (reason: string): void => {
    why ??= reason
    group.stop()
  }
  const onAbort = (): void => stop('cancelled')
  const timer = setTimeout(() => stop(`not ended within ${limitMs / 1000} s`), limitMs)
  signal.addEventListener('abort', onAbort, { once: true })
  const end = await new Promise<CommandEnd>(resolve => {
    child.once('error', error => {
      group.forget()
      resolve(cannotStart(error))
    })
    child.once('exit', (code, by) => {
      group.endChildren()
      if (why !== undefined) resolve(failed(why))
      else if (by !== null) resolve(failed(`ended by ${by}`))
      else resolve({ exitCode: code, how: `exit code ${code}`, isOk: code === 0 })
    })
  })
  clearTimeout(timer)
  signal.removeEventListener('abort', onAbort)
  await Promise.race([heard, sleep(LAST_WORDS_MS)])
  child.stdout.destroy()
  child.stderr.destroy()
  await heard
  return end
}

function start({ program, args, environment }: Command): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(program, args, {
    env: environment,
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function cannotStart(error: unknown): CommandEnd {
  return failed(`cannot be started (${(error as NodeJS.ErrnoException).code})`)
}

function failed(how: string): CommandEnd {
  return { exitCode: null, how, isOk: false }
}

async function hear(streams: readonly Readable[], onLine: (line: string) => void): Promise<void> {
  let left = MOST_OUTPUT
  const take = (line: string): void => {
    if (left <= 0) return
    onLine(line.slice(0, left))
    // An empty line counts as well.
    left -= line.length + 1
    if (left <= 0) onLine('(the rest of the output is dropped)')
  }
  // A destroyed stream ends the reading with an error; what came before was heard.
  await Promise.all(streams.map(stream => forEachLine(stream.setEncoding('utf8'), take).catch(() => {})))
}
