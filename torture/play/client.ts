import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { dyingWithUs } from '#torture/dying-with-us.ts'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'cli', 'bin', 'telegram-backup.js')
/** Far beyond what any round needs; who is still running then hangs. */
const HANGS_AFTER_MS = 180_000

/** How a run of the program under test ended. */
export interface ClientEnd {
  readonly code: number | null
  readonly killed: boolean
  /** It had to be ended because nothing happened any more. */
  readonly hung: boolean
  readonly stdout: string
  readonly stderr: string
}

/** The program under test at work, in a process of its own. */
export interface Client {
  readonly pid: number
  readonly end: Promise<ClientEnd>
  /**
   * Resolves to what a pattern finds on stdout as soon as it does; undefined when the program ends before.
   */
  said(pattern: RegExp): Promise<RegExpExecArray | undefined>
  /** Asks it to end. */
  terminate(): void
  /** SIGKILL to that process alone; resolves when it is gone. */
  kill(): Promise<void>
}

/**
 * Starts the real command line with no environment but the one given, which has to hold PATH. It does not
 * outlive the harness.
 */
export function startClient(
  args: readonly string[],
  options: {
    env: Record<string, string>
    cwd: string
    input?: Buffer | undefined
    hangsAfterMs?: number | undefined
  },
): Client {
  const root = process.env['TORTURE_PROGRAM']
  const launcher = root === undefined ? LAUNCHER : join(root, 'cli', 'bin', 'telegram-backup.js')
  const child: ChildProcess = spawn(...dyingWithUs(process.execPath, [launcher, ...args]), {
    env: options.env,
    cwd: options.cwd,
    stdio: 'pipe',
  })
  let [stdout, stderr, killed, hung] = ['', '', false, false]
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // A child that ends early closes its stdin.
  child.stdin?.on('error', () => {})
  child.stdin?.end(options.input ?? '')
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  const watchdog = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, options.hangsAfterMs ?? HANGS_AFTER_MS)
  const end = exited.then(async code => {
    clearTimeout(watchdog)
    // What it has left running may hold the pipes. What is in them by then is read, also where this process
    // was held up meanwhile.
    await Promise.race([
      new Promise(resolve => child.once('close', resolve)),
      new Promise(resolve => setTimeout(() => setImmediate(resolve), 200).unref()),
    ])
    return { code, killed, hung, stdout, stderr }
  })
  return {
    pid: child.pid ?? 0,
    end,
    said: async pattern => {
      const found = (): RegExpExecArray | undefined => pattern.exec(stdout) ?? undefined
      const heard = new Promise<void>(resolve => {
        child.stdout?.on('data', () => found() && resolve())
      })
      if (!found()) await Promise.race([heard, end])
      return found()
    },
    terminate: () => void child.kill('SIGTERM'),
    kill: async () => {
      killed = child.exitCode === null && child.signalCode === null
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** stdout as one JSON value; undefined when it is none, as after a kill. */
export function answerOf({ stdout }: ClientEnd): Record<string, unknown> | undefined {
  try {
    return JSON.parse(stdout) as Record<string, unknown>
  } catch {
    return undefined
  }
}
