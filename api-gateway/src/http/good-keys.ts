import { createHash } from 'node:crypto'
import { type Database, goodSecretHashes } from '@telegram-backup/database'

/**
 * The hashes of all valid keys, those of the doors among them, and of the cookies of all sessions, as last read: recognizes guesses without a
 * query for each. All requests that wait share one query. What is found here is still looked up in the
 * catalog.
 */
export class GoodKeys {
  readonly #database: Database
  #hashes = new Set<string>()
  #readSince = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  has(key: string): boolean {
    return this.#hashes.has(hashOf(key))
  }

  /** For what the catalog no longer accepts. */
  forget(key: string): void {
    this.#hashes.delete(hashOf(key))
  }

  /**
   * Uses a query that began after `since` (of `performance.now`), or the last answer if the catalog fails: a
   * client that guesses must not learn that, or fill the log with it.
   */
  async isGoodSince(key: string, since: number): Promise<boolean> {
    if (this.#readSince < since) this.#reading ??= this.#read()
    await this.#reading
    return this.has(key)
  }

  async #read(): Promise<void> {
    this.#readSince = performance.now()
    try {
      const hashes = await goodSecretHashes(this.#database)
      this.#hashes = new Set(hashes.map(hash => hash.toString('base64')))
    } catch {
      // The last answer stays valid.
    } finally {
      this.#reading = undefined
    }
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64')
}
