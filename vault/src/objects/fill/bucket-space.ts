import { type Bucket, type Database, usedBytes } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'

/** Room that an object takes in its bucket until the catalog counts it. */
export interface TakenSpace {
  /** The object has at least so many bytes. Throws `FULL`. */
  grow(toBytes: number): Promise<void>
  /** The catalog counts it from here on. */
  leave(): void
}

const UNBOUNDED: TakenSpace = { grow: async () => {}, leave: () => {} }

/**
 * The limits of buckets. The catalog counts what it knows of; this counts what is still on its way to it, in
 * this process.
 */
export class BucketSpace {
  readonly #database: Database
  /** Bytes by the id of the bucket. */
  readonly #onTheWay = new Map<string, number>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Throws `FULL` before `work`, or in its `grow`, when the bucket has no room for that many bytes more. */
  async within<Result>(
    bucket: Bucket,
    bytes: number,
    work: (space: TakenSpace) => Promise<Result>,
  ): Promise<Result> {
    if (bucket.max_bytes === null) return await work(UNBOUNDED)
    let mine = 0
    const space: TakenSpace = {
      grow: async toBytes => {
        if (toBytes <= mine) return
        this.#count(bucket.id, toBytes - mine)
        mine = toBytes
        await this.#refuseFull(bucket)
      },
      leave: () => {
        this.#count(bucket.id, -mine)
        mine = 0
      },
    }
    try {
      await space.grow(bytes)
      return await work(space)
    } finally {
      space.leave()
    }
  }

  #count(bucketId: string, bytes: number): void {
    const sum = (this.#onTheWay.get(bucketId) ?? 0) + bytes
    if (sum === 0) this.#onTheWay.delete(bucketId)
    else this.#onTheWay.set(bucketId, sum)
  }

  async #refuseFull({ id, name }: Bucket): Promise<void> {
    const used = await usedBytes(this.#database, id)
    if (used.maxBytes === null) return
    if (used.usedBytes + (this.#onTheWay.get(id) ?? 0) <= used.maxBytes) return
    throw new BackupError(`The bucket ${name} is full: it may hold ${used.maxBytes} bytes`, {
      code: 'FULL',
      hint: 'Delete what is not needed any more, or raise the limit of the bucket.',
    })
  }
}
