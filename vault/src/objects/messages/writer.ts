import { randomUUID } from 'node:crypto'
import { acquireLease, type Database, type Lease } from '@telegram-backup/database'

/**
 * P1: the lease of a process that stores objects. Its packs are this process's as long as the lease lives;
 * when it is lost, others reconcile them, and the process goes on under a new one.
 */
export class Writer {
  readonly #database: Database
  #lease: Lease | undefined
  #taking: Promise<Lease> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** UUID of the lease; undefined before the first one. */
  get subject(): string | undefined {
    return this.#lease?.subject
  }

  /**
   * The lease under which packs are sent now. While the catalog does not answer it may not count as held;
   * each write checks it anew. Throws `CATALOG`.
   */
  async lease(): Promise<Lease> {
    if (this.#lease !== undefined && !this.#lease.signal.aborted) return this.#lease
    this.#taking ??= this.#take().finally(() => {
      this.#taking = undefined
    })
    return await this.#taking
  }

  /** Releases the lease: what is left is reconciled at once. Never throws. */
  async close(): Promise<void> {
    await this.#taking?.catch(() => {})
    await this.#lease?.release()
  }

  async #take(): Promise<Lease> {
    const lease = await acquireLease(this.#database, { subject: randomUUID(), purpose: 'objects' })
    if (lease === null) throw new Error('A lease that nobody else can know is held')
    this.#lease = lease
    return lease
  }
}
