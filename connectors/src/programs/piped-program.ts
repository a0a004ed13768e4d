import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { type ProgramEnd, programEnd } from '#programs/program-end.ts'

/** Kept of what a program says; an error comes first, and repetitions tell nothing. */
const MAX_WORDS_BYTES = 64 * 1024
/** Kept of its output, from the end. */
const MAX_OUTPUT_LENGTH = 4096

/**
 * A program with a pipe to its stdin, in a process group of its own, so that a Ctrl-C of the terminal reaches us first.
 */
export class PipedProgram {
  /** Resolves when it is gone and all it said was read; never rejects. */
  readonly ended: Promise<ProgramEnd>
  readonly #child: ChildProcess
  readonly #stdin: Writable
  #words = ''
  #output = ''
  #end: ProgramEnd | undefined
  #onOutput: () => void = () => undefined

  /**
   * `wordsFile`: a file for stderr, for a program that must not die of a word that nobody is there to hear; it is opened
   * for reading as well, and closed here. `folder`: where it runs.
   */
  constructor(
    path: string,
    args: readonly string[],
    options: { environment: Readonly<Record<string, string>>; wordsFile?: number; folder?: string },
  ) {
    const { environment, wordsFile, folder } = options
    this.#child = spawn(path, args, {
      env: environment,
      stdio: ['pipe', 'pipe', wordsFile ?? 'pipe'],
      detached: true,
      ...(folder === undefined ? {} : { cwd: folder }),
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#words.length < MAX_WORDS_BYTES) this.#words += text
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT_LENGTH)
      this.#onOutput()
    })
    this.#stdin = this.#child.stdin as Writable
    // A program that is gone tells by its end.
    this.#stdin.on('error', () => {})
    this.ended = new Promise(resolve => {
      const end = (
        exitCode: number | null,
        { signal = null, more = '' }: { signal?: NodeJS.Signals | null; more?: string },
      ): void => {
        if (wordsFile !== undefined && this.#end === undefined) this.#words = readAndClose(wordsFile)
        this.#end = programEnd(this.#words + more, { exitCode, signal })
        this.#onOutput()
        resolve(this.#end)
      }
      this.#child.on('error', error => end(null, { more: error.message }))
      this.#child.on('close', (exitCode, signal) => end(exitCode, { signal }))
    })
  }

  /** Its output so far, the last 4096 characters. */
  get output(): string {
    return this.#output
  }

  /** How it ended, once it has. */
  get end(): ProgramEnd | undefined {
    return this.#end
  }

  /** Writes and waits until there is room for more; false when the program is gone. */
  async write(bytes: Buffer | string): Promise<boolean> {
    if (this.#end) return false
    const stdin = this.#stdin
    if (stdin.destroyed) return false
    if (stdin.write(bytes)) return true
    const settled = new AbortController()
    await Promise.race([
      once(stdin, 'drain', { signal: settled.signal }),
      once(stdin, 'close', { signal: settled.signal }),
      this.ended,
    ])
      .catch(() => undefined)
      .finally(() => settled.abort())
    return !stdin.destroyed
  }

  /** Ends its input, and waits for its end. */
  async finish(): Promise<ProgramEnd> {
    this.#stdin.end()
    return await this.ended
  }

  /** Ends it at once: it never comes to see an end of its input. Resolves when it is gone. */
  async kill(): Promise<ProgramEnd> {
    this.#child.kill('SIGKILL')
    return await this.ended
  }

  /** Resolves when its output holds that text, or it is gone. */
  async said(text: string): Promise<boolean> {
    while (!this.#output.includes(text)) {
      if (this.#end) return false
      await new Promise<void>(resolve => {
        this.#onOutput = resolve
      })
    }
    return true
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
