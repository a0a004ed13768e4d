import { ArchiveError, toArchiveError } from '#archive-error.ts'
import { giveMemoryBack } from '#lent-memory.ts'
import { BlockRing, type SharedBlocks } from '#threads/block-ring.ts'
import { startThread, type Thread, type ThreadOptions } from '#threads/thread.ts'

/** How often waiting threads are woken until they have ended. */
const STOP_INTERVAL_MS = 5

/**
 * An archive at work: its threads, its rings, and its end. The first failure, in a thread, in the source or
 * by the signal, stops the threads and ends every wait of the main thread.
 */
export class ArchiveRun {
  readonly #threads: Thread[] = []
  readonly #rings: BlockRing[] = []
  readonly #lent: SharedArrayBuffer[] = []
  readonly #letGo: Array<() => void> = []
  readonly #signal: AbortSignal | undefined
  #failure: ArchiveError | undefined
  #stopped: Promise<unknown> | undefined

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Throws the failure of the run, if any. */
  readonly check = (): void => {
    if (this.#failure) throw this.#failure
  }

  /**
   * A ring, and its memory for a thread. Other runs reuse its blocks once this run has ended: the main thread
   * calls {@link check} right before it writes into one.
   */
  ring(size: { slots: number; slotSizeBytes: number }): { ring: BlockRing; shared: SharedBlocks } {
    const shared = BlockRing.allocate(size)
    const ring = new BlockRing(shared)
    this.#rings.push(ring)
    this.#lent.push(...shared.slots)
    return { ring, shared }
  }

  start<Message = never>(options: ThreadOptions<Message>): Thread {
    this.check()
    const thread = startThread(options)
    this.#threads.push(thread)
    return thread
  }

  /** Runs `action` when the run ends; at once if it has ended. */
  atEnd(action: () => void): void {
    if (this.#stopped) action()
    else this.#letGo.push(action)
  }

  /**
   * Reports progress, never backwards. An error of the listener ends the run: in the event of a thread it
   * would end the process.
   */
  progress(listener: ((plainBytes: number) => void) | undefined): (plainBytes: number) => void {
    let reported = 0
    return plainBytes => {
      if (plainBytes <= reported) return
      reported = plainBytes
      try {
        listener?.(plainBytes)
      } catch (error) {
        this.fail(toArchiveError(error, 'CANCELLED', 'The listener to the progress failed'))
      }
    }
  }

  /** Rejects when the run fails or ends, with what {@link check} throws. */
  failed(): Promise<never> {
    return new Promise((_, reject) => {
      this.atEnd(() => reject(this.#failure))
    })
  }

  /** Ends the run; only the first error counts. */
  fail(error: ArchiveError): void {
    this.#failure ??= error
    this.#stop()
  }

  /** Ends the run and resolves when its threads are gone. */
  async close(): Promise<void> {
    this.fail(new ArchiveError('The archive was closed', { code: 'CANCELLED' }))
    await this.#stopped
    for (const memory of this.#lent.splice(0)) giveMemoryBack(memory)
  }

  readonly #onAbort = (): void => {
    this.fail(new ArchiveError('Cancelled', { code: 'CANCELLED', cause: this.#signal?.reason }))
  }

  #stop(): void {
    if (this.#stopped) return
    this.#signal?.removeEventListener('abort', this.#onAbort)
    const stopRings = (): void => {
      for (const ring of this.#rings) ring.stop()
    }
    const ended = Promise.all(this.#threads.map(thread => thread.stop()))
    const repeating = setInterval(stopRings, STOP_INTERVAL_MS)
    this.#stopped = ended.finally(() => clearInterval(repeating))
    for (const action of this.#letGo) action()
    stopRings()
  }
}
