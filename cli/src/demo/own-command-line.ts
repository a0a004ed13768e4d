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

/** Runs this program's own command line as a child process, and prints each command. */
export class OwnCommandLine {
  readonly #tell: (line: string) => void
  readonly #signal: AbortSignal
  readonly #environment: Record<string, string>

  /**
   * @param options.environment all variables of the commands but PATH and HOME: the user's own settings do
   * not reach them.
   */
  constructor(options: {
    tell: (line: string) => void
    signal: AbortSignal
    environment: Record<string, string>
  }) {
    this.#tell = options.tell
    this.#signal = options.signal
    this.#environment = options.environment
  }

  /** Runs a command to its end, whether it succeeds or fails. */
  async run<Answer>(
    command: string,
    args: readonly string[],
    extra: Record<string, string> = {},
  ): Promise<OwnRun<Answer>> {
    this.#tell(`   $ telegram-backup ${[command, ...args].join(' ')}`)
    const launcher = fileURLToPath(import.meta.resolve('#launcher'))
    const child = spawn(process.execPath, [launcher, command, ...args, '--json'], {
      env: { ...bareEnvironment(), ...this.#environment, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own process group: else a Ctrl-C would reach it twice, from the terminal and from here.
      detached: true,
    })
    const onAbort = (): void => {
      child.kill('SIGTERM')
    }
    this.#signal.addEventListener('abort', onAbort, { once: true })
    try {
      const [exitCode, stdout, stderr] = await Promise.all([
        new Promise<number | null>((resolve, reject) => {
          child.on('error', reject)
          child.on('close', resolve)
        }),
        text(child.stdout),
        text(child.stderr),
      ])
      if (this.#signal.aborted) throw new BackupError('Cancelled', { code: 'CANCELLED' })
      return { exitCode, answer: JSON.parse(stdout) as Answer, stderr: stderr.trim() }
    } finally {
      this.#signal.removeEventListener('abort', onAbort)
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
