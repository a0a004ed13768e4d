import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'

/** How much of stderr is kept: the first error counts, and repetitions add nothing. */
const MAX_WORDS_BYTES = 64 * 1024
/** How much of stdout is kept, from its end. */
const MAX_OUTPUT_LENGTH = 4096
/** A program that closed its output so long ago and still runs hangs. */
const MAX_LEAVING_MS = 60_000

export interface ProgramEnd {
  /** null when a signal ended it, or it could not be started. */
  exitCode: number | null
  /** Its stderr; if it failed without a word, how it ended. */
  words: string
}

interface StartOptions {
  environment: Readonly<Record<string, string>>
  /** A file for stderr, closed here: a program that outlives us must not die of a closed pipe. */
  wordsFile?: number | undefined
  folder?: string | undefined
}

/** A program with a pipe to its stdin. Its own process group keeps a Ctrl-C of the terminal away from it. */
class Program {
  /** Resolves when the program is gone and all its output was read; never rejects. */
  readonly ended: Promise<ProgramEnd>
  protected readonly child: ChildProcess
  protected readonly stdin: Writable
  #end: ProgramEnd | undefined

  constructor(path: string, args: readonly string[], { environment, wordsFile, folder }: StartOptions) {
    this.child = spawn(path, args, {
      env: environment,
      stdio: ['pipe', 'pipe', wordsFile ?? 'pipe'],
      detached: true,
      cwd: folder,
    })
    let words = ''
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (words.length < MAX_WORDS_BYTES) words += text
    })
    this.stdin = this.child.stdin as Writable
    // A program that closed its input says why by its end.
    this.stdin.on('error', () => {})
    this.ended = new Promise(resolve => {
      const end = (exitCode: number | null, signal: NodeJS.Signals | null = null): void => {
        if (this.#end !== undefined) return
        if (wordsFile !== undefined) words = readAndClose(wordsFile) + words
        const isSilent = exitCode !== 0 && words.trim() === ''
        const how = signal === null ? `exit code ${exitCode}` : `ended by ${signal}`
        this.#end = { exitCode, words: isSilent ? `it gave no reason (${how})` : words }
        resolve(this.#end)
      }
      this.child.on('error', error => {
        words += error.message
        end(null)
      })
      this.child.on('close', end)
    })
  }

  get end(): ProgramEnd | undefined {
    return this.#end
  }

  /** Writes and waits until there is room for more; false when the program is gone. */
  async write(bytes: Buffer | string): Promise<boolean> {
    const { stdin } = this
    if (this.#end !== undefined || stdin.destroyed) return false
    if (stdin.write(bytes)) return true
    const waited = new AbortController()
    const { signal } = waited
    await Promise.race([once(stdin, 'drain', { signal }), once(stdin, 'close', { signal }), this.ended])
      .catch(() => undefined)
      .finally(() => waited.abort())
    return !stdin.destroyed
  }

  /** Ends it at once, so that it never sees an end of its input. Resolves when it is gone. */
  async kill(): Promise<ProgramEnd> {
    this.child.kill('SIGKILL')
    return await this.ended
  }
}

/** A program that reads what we write, such as psql; only the end of its output is of interest. */
export class PipedProgram extends Program {
  #output = ''
  #onOutput: () => void = () => undefined

  constructor(path: string, args: readonly string[], options: StartOptions) {
    super(path, args, options)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT_LENGTH)
      this.#onOutput()
    })
    void this.ended.then(() => this.#onOutput())
  }

  /** Its output so far, the last 4096 characters. */
  get output(): string {
    return this.#output
  }

  /** Ends its input, and waits for its end. */
  async finish(): Promise<ProgramEnd> {
    this.stdin.end()
    return await this.ended
  }

  /** Resolves when its output holds that text (true), or the program is gone. */
  async said(text: string): Promise<boolean> {
    while (!this.#output.includes(text)) {
      if (this.end) return false
      await new Promise<void>(resolve => {
        this.#onOutput = resolve
      })
    }
    return true
  }
}

/** A program that bytes are passed through, such as pg_restore. */
export class FilterProgram extends Program {
  /**
   * The program's output for this input, which is read to its end even when the program needs no more of it.
   * An error of the input is thrown here. Afterwards the program has ended, or was killed.
   */
  async *pass(input: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
    const left = new AbortController()
    const feeding = this.#feed(input, left.signal)
    let hanging: NodeJS.Timeout | undefined
    try {
      yield* this.child.stdout as Readable
      hanging = setTimeout(() => this.child.kill('SIGKILL'), MAX_LEAVING_MS)
      const failure = await feeding
      if (failure) throw failure.error
      // A program that is killed between the end of its output and its own would count as failed.
      await this.ended
    } finally {
      clearTimeout(hanging)
      left.abort()
      await this.kill()
      await feeding
    }
  }

  async #feed(
    input: AsyncIterable<Buffer> | Iterable<Buffer>,
    left: AbortSignal,
  ): Promise<{ error: unknown } | undefined> {
    try {
      for await (const chunk of input) {
        // A program that needs no more has ended well; only a failed one stops the reading.
        const hasFailed = this.end !== undefined && this.end.exitCode !== 0
        if (left.aborted || hasFailed) return undefined
        await this.write(chunk)
      }
      this.stdin.end()
      return undefined
    } catch (error) {
      this.child.kill('SIGKILL')
      return { error }
    }
  }
}

function readAndClose(fd: number): string {
  const bytes = Buffer.alloc(MAX_WORDS_BYTES)
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(fd)
  }
}
