import type { Job } from '@telegram-backup/database'

type Listener = (job: Job | null) => void

/** How often a job is looked at, however many watch it. */
const LOOK_EVERY_MS = 1_000

/** Looks at jobs for those who watch them: once for all who watch the same one, and not at all when nobody does. */
export class JobWatch {
  readonly #look: (jobId: string) => Promise<Job | null>
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(look: (jobId: string) => Promise<Job | null>) {
    this.#look = look
  }

  /** The listener hears of the job about once a second, null when it is gone. Returns how to stop. */
  add(jobId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set()
    listeners.add(listener)
    if (!this.#listeners.has(jobId)) {
      this.#listeners.set(jobId, listeners)
      this.#lookLater(jobId)
    }
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(jobId) === listeners) this.#listeners.delete(jobId)
    }
  }

  #lookLater(jobId: string): void {
    const listeners = this.#listeners.get(jobId)
    setTimeout(async () => {
      if (listeners === undefined || this.#listeners.get(jobId) !== listeners) return
      try {
        const job = await this.#look(jobId)
        for (const listener of [...listeners]) listener(job)
      } catch {
        // The catalog is away: it is looked at again, and the watchers notice no more than a pause.
      }
      if (this.#listeners.get(jobId) === listeners) this.#lookLater(jobId)
    }, LOOK_EVERY_MS).unref()
  }
}
