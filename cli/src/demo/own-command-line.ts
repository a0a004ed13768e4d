import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { bareEnvironment } from '@telegram-backup/engine/environment.ts'
import { BackupError } from '@telegram-backup/errors'

/** The result of a run of the command line. */
export interface OwnRun<Answer> {
  exitCode: number | null
  /** What `--json` printed. */
  answer: Answer
  stderr: string
}

interface OwnCommandLineOptions {
  print: (line: string) => void
  signal: AbortSignal
  /** All variables of the commands except PATH and HOME: the user's own settings do not reach them. */
  environment: Record<string, string>
}

/** Runs this program's own command line as a child process, and prints each command. */
export class OwnCommandLine {
  readonly #options: OwnCommandLineOptions

  constructor(options: OwnCommandLineOptions) {
    this.#options = options
  }

  /** Runs a command to its end, whether it succeeds or fails. */
  async run<Answer>(
    command: string,
    args: readonly string[],
    extra: Record<string, string> = {},
  ): Promise<OwnRun<Answer>> {
    const { print, signal, environment } = this.#options
    print(`   $ telegram-backup ${[command, ...args].join(' ')}`)
    const launcher = fileURLToPath(import.meta.resolve('#launcher'))
    const child = spawn(process.execPath, [launcher, command, ...args, '--json'], {
      env: { ...bareEnvironment(), ...environment, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own process group: else a Ctrl-C would reach it twice, from the terminal and from here.
      detached: true,
    })
    const onAbort = (): void => {
      child.kill('SIGTERM')
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const [exitCode, stdout, stderr] = await Promise.all([
        new Promise<number | null>((resolve, reject) => {
          child.on('error', reject)
          child.on('close', resolve)
        }),
        text(child.stdout),
        text(child.stderr),
      ])
      if (signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
      return { exitCode, answer: JSON.parse(stdout) as Answer, stderr: stderr.trim() }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Runs a command that must succeed, and returns its answer. */
  async succeed<Answer>(
    command: string,
    args: readonly string[],
    extra: Record<string, string> = {},
  ): Promise<Answer> {
    const { exitCode, answer, stderr } = await this.run<Answer>(command, args, extra)
    if (exitCode === 0) return answer
    throw new BackupError(`"telegram-backup ${command}" failed: ${stderr}`, { code: 'DEMO' })
  }
}
