import { type Database, findObjects, type StoredObject } from '@telegram-backup/database'
import { SharedLook } from '#objects/messages/shared-look.ts'

/**
 * Looks keys up for those who are about to store them. All who come to a bucket during one look share the
 * next one: with hundreds of small objects at once, a statement for each would take longer than the rest.
 */
export class KeyLooks {
  readonly #database: Database
  /** By the id of the bucket; `callers` wait for an answer. */
  readonly #buckets = new Map<string, { looks: BucketLooks; callers: number }>()

  constructor(database: Database) {
    this.#database = database
  }

  /** The live version of a key, as of a moment after this call; undefined for none. Throws `CATALOG`. */
  async find(bucketId: string, key: string): Promise<StoredObject | undefined> {
    const bucket = this.#buckets.get(bucketId) ?? {
      looks: new BucketLooks(this.#database, bucketId),
      callers: 0,
    }
    this.#buckets.set(bucketId, bucket)
    bucket.callers++
    try {
      return await bucket.looks.find(key)
    } finally {
      bucket.callers--
      if (bucket.callers === 0) this.#buckets.delete(bucketId)
    }
  }
}

class BucketLooks {
  readonly #look: SharedLook<Map<string, StoredObject>>
  /** Of those who wait for the next look. */
  #keys = new Set<string>()

  constructor(database: Database, bucketId: string) {
    this.#look = new SharedLook(() => {
      const keys = [...this.#keys]
      this.#keys = new Set()
      return findObjects(database, { bucketId, keys })
    })
  }

  async find(key: string): Promise<StoredObject | undefined> {
    this.#keys.add(key)
    return (await this.#look.afterNow()).get(key)
  }
}
