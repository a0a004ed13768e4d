import type { AgeFileKey, AgeFileStart } from '#age-file.ts'
import { ArchiveError } from '#archive-error.ts'
import type { PackMemory } from '#packs/pack-memory.ts'
import type { PackPlace, PackWork } from '#packs/pack-work.ts'
import type { PackTask, PackTaskResult } from '#threads/pack-worker.ts'
import { startThread, type Thread } from '#threads/thread.ts'

interface Asked {
  memory: PackMemory
  done(place: PackPlace & { sha256: string }): void
  failed(error: unknown): void
}

type Question = PackTask extends infer Task
  ? Task extends unknown
    ? Omit<Task, 'id' | 'memory'>
    : never
  : never

/**
 * One thread for the bytes of packs, started when it is first asked. A second core does that work while the
 * main thread receives and sends. It takes one task after the other. When it fails, all tasks that it has
 * throw `UNEXPECTED`, and the next one starts another thread.
 */
export class PackThread implements PackWork {
  readonly #asked = new Map<number, Asked>()
  #thread: Thread | undefined
  #count = 0
  #isClosed = false

  async hash(memory: PackMemory, place: PackPlace): Promise<string> {
    const { sha256 } = await this.#ask(memory, { kind: 'hash', place })
    return sha256
  }

  async seal(
    memory: PackMemory,
    place: PackPlace,
    file: AgeFileStart | undefined,
  ): Promise<PackPlace & { sha256: string }> {
    return await this.#ask(memory, { kind: 'seal', place, file })
  }

  async open(memory: PackMemory, place: PackPlace, key: AgeFileKey): Promise<PackPlace> {
    const { start, end } = await this.#ask(memory, { kind: 'open', place, key })
    return { start, end }
  }

  /** Ends the thread after its last task. Later ones throw `CANCELLED`. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#thread?.stop()
    // It has answered all, unless it failed before it came to them.
    this.#fail(new Error('The thread ended before its tasks'))
  }

  async #ask(memory: PackMemory, question: Question): Promise<PackPlace & { sha256: string }> {
    if (this.#isClosed) throw new ArchiveError('The thread of packs is closed', { code: 'CANCELLED' })
    this.#thread ??= this.#start()
    const thread = this.#thread
    const id = this.#count++
    return new Promise((done, failed) => {
      this.#asked.set(id, { memory, done, failed })
      thread.post({ ...question, id, memory: memory.handOver() } satisfies PackTask)
    })
  }

  #start(): Thread {
    const thread: Thread = startThread<PackTaskResult>({
      module: '#threads/pack-worker.ts',
      task: undefined,
      onMessage: result => this.#answer(result),
      // A thread that fails says so twice; by the second time, the next one may be at work.
      onFailure: error => {
        if (this.#thread === thread) this.#fail(error)
      },
    })
    return thread
  }

  #answer({ id, ...result }: PackTaskResult): void {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    asked?.memory.takeBack()
    if ('failure' in result) asked?.failed(result.failure)
    else asked?.done(result)
  }

  /** The thread may still write to the memory, which is lost. The next question starts another thread. */
  #fail(error: Error): void {
    this.#thread = undefined
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const { failed } of asked)
      failed(new ArchiveError('The thread of packs failed', { code: 'UNEXPECTED', cause: error }))
  }
}
