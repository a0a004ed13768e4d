import { createHash } from 'node:crypto'
import { type Database, goodKeyHashes } from '@telegram-backup/database'

/**
 * The hashes of all keys that are good, as they were read last: to tell guesses from keys without a question for each. Whoever is let in by
 * it is looked up all the same. It asks for itself alone, one look for all who wait, and only while somebody waits.
 */
export class GoodKeys {
  readonly #database: Database
  #hashes = new Set<string>()
  #readSince = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** By the last look. */
  has(key: string): boolean {
    return this.#hashes.has(hashOf(key))
  }

  /** It was looked up, and is good no more. */
  forget(key: string): void {
    this.#hashes.delete(hashOf(key))
  }

  /**
   * By a look that began after `since` (of `performance.now`); by an earlier one while the catalog cannot be asked: whoever sends guesses is
   * not to hear, nor to fill the log with, that.
   */
  async isGoodSince(key: string, since: number): Promise<boolean> {
    if (this.#readSince < since) this.#reading ??= this.#read()
    await this.#reading
    return this.has(key)
  }

  async #read(): Promise<void> {
    this.#readSince = performance.now()
    try {
      this.#hashes = new Set((await goodKeyHashes(this.#database)).map(hash => hash.toString('base64')))
    } catch {
      // What was read last holds.
    } finally {
      this.#reading = undefined
    }
  }
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64')
}
