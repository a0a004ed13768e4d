import { EventEmitter } from 'node:events'
import type { WriteStream } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { main } from '@telegram-backup/cli/cli.ts'
import type { Host } from '@telegram-backup/cli/host.ts'
import { BackupError } from '@telegram-backup/errors'

/** A command that runs on, such as `serve`. */
export interface RunningCommand<Answer> {
  /** What it printed with `--json` once it was ready. */
  answer: Answer
  /** Ends as after SIGTERM. */
  stop(): Promise<void>
  /** Settles when it ends; rejects when it ends by itself. */
  ended: Promise<void>
}

/**
 * The program's own command line, in this process: a start that is killed leaves no `serve` behind. It gets
 * the variables of `environment` alone; what it says to people goes into `log`.
 */
export class OwnProgram {
  readonly #environment: NodeJS.ProcessEnv
  readonly #log: WriteStream
  readonly #signal: AbortSignal

  constructor(options: { environment: NodeJS.ProcessEnv; log: WriteStream; signal: AbortSignal }) {
    this.#environment = options.environment
    this.#log = options.log
    this.#signal = options.signal
  }

  /** Runs a command that must succeed, and returns what it printed with `--json`. */
  async run<Answer>(...args: readonly string[]): Promise<Answer> {
    this.#signal.throwIfAborted()
    const printed = new Printed()
    const host = this.#host(printed)
    const onAbort = (): void => void host.emitter.emit('SIGTERM', 'SIGTERM')
    this.#signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#log.write(`$ telegram-backup ${args.join(' ')}\n`)
      const code = await main([...args, '--json'], host)
      this.#signal.throwIfAborted()
      if (code !== 0) throw failed(args, printed.text)
      return JSON.parse(printed.text) as Answer
    } finally {
      this.#signal.removeEventListener('abort', onAbort)
    }
  }

  /** Starts a command that runs until it is stopped. Throws when it ends before it is ready. */
  async start<Answer>(...args: readonly string[]): Promise<RunningCommand<Answer>> {
    this.#signal.throwIfAborted()
    const printed = new Printed()
    const host = this.#host(printed)
    let isStopping = false
    const ended = main([...args, '--json'], host).then(code => {
      if (code !== 0 && !isStopping) throw failed(args, printed.text)
    })
    // A failure before it is ready is thrown below.
    ended.catch(() => {})
    await Promise.race([printed.begun, ended])
    const answer = JSON.parse(printed.text) as Answer
    // What failed prints as well, and ends at once.
    if (printed.text.includes('"success": false')) await ended
    return {
      answer,
      stop: async () => {
        isStopping = true
        host.emitter.emit('SIGTERM', 'SIGTERM')
        // A failure was reported by `ended`.
        await ended.catch(() => {})
      },
      ended,
    }
  }

  /** Deeper code, such as that which starts programs, reads the environment of the process. */
  #host(stdout: Printed): Host & { emitter: EventEmitter } {
    process.env = this.#environment
    const emitter = new EventEmitter()
    const log = this.#log
    return Object.assign(emitter, {
      emitter,
      ...{ pid: process.pid, ppid: process.ppid, stdin: Readable.from([]), stdout },
      // Of its own for each command, which listens to its errors.
      stderr: new Writable({ write: (piece, _encoding, done) => void log.write(piece, () => done()) }),
      env: this.#environment,
      exit: (code: number): never => process.exit(code),
      kill: (pid: number, signal: NodeJS.Signals) => process.kill(pid, signal),
    })
  }
}

function failed([command = '']: readonly string[], printed: string): BackupError {
  const { error = 'it printed nothing', code = 'START', hint } = answerOf(printed)
  return new BackupError(`"telegram-backup ${command}" failed: ${error}`, { code, hint })
}

function answerOf(printed: string): { error?: string; code?: string; hint?: string } {
  try {
    return JSON.parse(printed) as ReturnType<typeof answerOf>
  } catch {
    return {}
  }
}

/** What a command prints on standard output. */
class Printed extends Writable {
  text = ''
  readonly #first = Promise.withResolvers<void>()

  /** Resolves when something is printed. */
  get begun(): Promise<void> {
    return this.#first.promise
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += piece.toString('utf8')
    this.#first.resolve()
    done()
  }
}
