import type { ChildProcess } from 'node:child_process'

/** Time to end by itself before it is killed; pg_dump cancels its query meanwhile. */
const GRACE_MS = 2_000

/** A program, started in a process group of its own, and its children; none of them outlives us. */
export class ProcessGroup {
  readonly #child: ChildProcess
  readonly #graceMs: number
  readonly #onExit = (): void => this.#kill('SIGKILL')
  #timer: NodeJS.Timeout | undefined
  #isGone = false

  constructor(child: ChildProcess, { graceMs = GRACE_MS }: { graceMs?: number } = {}) {
    this.#child = child
    this.#graceMs = graceMs
    process.on('exit', this.#onExit)
  }

  /** Asks it to end, and kills it when it does not. */
  stop(): void {
    if (this.#isGone || this.#timer) return
    this.#kill('SIGTERM')
    this.#timer = setTimeout(() => this.#kill('SIGKILL'), this.#graceMs)
  }

  /** Kills the children that the program left behind. To be called at once when the program has ended. */
  endChildren(): void {
    this.#kill('SIGKILL')
    this.forget()
  }

  /** To be called when it is gone: its process id may soon be another's. */
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
