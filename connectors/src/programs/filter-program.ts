import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { type ProgramEnd, programEnd } from '#programs/program-end.ts'

const MAX_WORDS_LENGTH = 64 * 1024
/** A program closes its output when it ends. One that is still there so long after that hangs. */
const MAX_LEAVING_MS = 60_000

/** A program that bytes are passed through, such as pg_restore; in a process group of its own. */
export class FilterProgram {
  /** Resolves when it is gone; never rejects. */
  readonly ended: Promise<ProgramEnd>
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #end: ProgramEnd | undefined

  constructor(path: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn(path, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    let words = ''
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (words.length < MAX_WORDS_LENGTH) words += text
    })
    this.#child.stdin.on('error', () => {})
    this.ended = new Promise(resolve => {
      const end = (exitCode: number | null, signal: NodeJS.Signals | null = null): void => {
        this.#end ??= programEnd(words, { exitCode, signal })
        resolve(this.#end)
      }
      this.#child.on('error', error => {
        words += error.message
        end(null)
      })
      this.#child.on('close', end)
    })
  }

  /**
   * What the program makes of the input. The input is read to its end even when the program needs no more of it, and an
   * error of it is thrown here. When this is over, the program has ended: by itself, or, where this was left early, because it
   * was killed.
   */
  async *pass(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const left = new AbortController()
    const feeding = this.#feed(input, left.signal)
    let hanging: NodeJS.Timeout | undefined
    try {
      yield* this.#child.stdout as AsyncIterable<Buffer>
      hanging = setTimeout(() => this.#child.kill('SIGKILL'), MAX_LEAVING_MS)
      const failure = await feeding
      if (failure) throw failure.error
      // The end of its output comes before its own: killed between them, one that has done well would count as failed.
      await this.ended
    } finally {
      clearTimeout(hanging)
      left.abort()
      this.#child.kill('SIGKILL')
      await this.ended
      await feeding
    }
  }

  async #feed(input: AsyncIterable<Buffer>, left: AbortSignal): Promise<{ error: unknown } | undefined> {
    try {
      for await (const chunk of input) {
        // One that needs no more has ended well; where it failed, that is the reason.
        const hasFailed = this.#end !== undefined && this.#end.exitCode !== 0
        if (left.aborted || hasFailed) return undefined
        await this.#write(chunk)
      }
      this.#child.stdin.end()
      return undefined
    } catch (error) {
      this.#child.kill('SIGKILL')
      return { error }
    }
  }

  async #write(chunk: Buffer): Promise<void> {
    const { stdin } = this.#child
    if (this.#end !== undefined || stdin.destroyed || stdin.write(chunk)) return
    const settled = new AbortController()
    const { signal } = settled
    await Promise.race([once(stdin, 'drain', { signal }), once(stdin, 'close', { signal }), this.ended])
      .catch(() => undefined)
      .finally(() => settled.abort())
  }
}
