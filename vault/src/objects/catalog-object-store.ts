import { setTimeout as sleep } from 'node:timers/promises'
import type { PackThread } from '@telegram-backup/archive'
import {
  type Bucket,
  bucketByName,
  type Database,
  deleteObject,
  listObjects,
  type ObjectVersion,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { FillingPacks } from '#objects/fill/filling-packs.ts'
import type { ObjectWriter } from '#objects/fill/object-writer.ts'
import type { Writer } from '#objects/messages/writer.ts'
import type { GetOptions, ListedObject, ObjectStore, PutObject } from '#objects/object-store.ts'
import type { ObjectReader } from '#objects/read/object-reader.ts'
import type { OpenedPacks } from '#objects/read/opened-packs.ts'
import type { BucketTender } from '#objects/tend/tend-buckets.ts'

/** A page of a list; a list has two of them in memory, some 0.6 MB. */
const LISTED_AT_ONCE = 2_000

export interface StoreParts {
  database: Database
  writer: Writer
  packs: FillingPacks
  opened: OpenedPacks
  objects: ObjectWriter
  reader: ObjectReader
  tender: BucketTender
  work: PackThread
}

/** The objects of all buckets, by the catalog. */
export class CatalogObjectStore implements ObjectStore {
  readonly #parts: StoreParts
  readonly #closing = new AbortController()
  #tending: Promise<void> = Promise.resolve()

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async bucket(name: string): Promise<Bucket> {
    const bucket = await bucketByName(this.#parts.database, name)
    if (bucket !== null) return bucket
    throw new BackupError(`There is no bucket ${name}`, { code: 'NOT_FOUND' })
  }

  async put(bucket: Bucket, object: PutObject, { signal }: { signal: AbortSignal }): Promise<ObjectVersion> {
    this.#assertOpen()
    return await this.#parts.objects.put(bucket, object, signal)
  }

  async head(bucket: Bucket, key: string): Promise<ObjectVersion> {
    return (await this.#parts.reader.find(bucket, key)).object
  }

  async get(
    bucket: Bucket,
    key: string,
    options: GetOptions,
  ): Promise<{ object: ObjectVersion; body: AsyncIterable<Buffer> }> {
    return await this.#parts.reader.get(bucket, key, options)
  }

  async *list(
    { id: bucketId }: Bucket,
    { prefix, after }: { prefix: string; after?: string | undefined },
  ): AsyncIterable<ListedObject[]> {
    const { database } = this.#parts
    const pageAfter = (last: string | undefined): Promise<ListedObject[]> => {
      const page = listObjects(database, { bucketId, prefix, after: last, limit: LISTED_AT_ONCE })
      // Nobody may wait for it: the caller may want no more pages.
      page.catch(() => {})
      return page
    }
    let next = pageAfter(after)
    for (;;) {
      const page = await next
      const isLast = page.length < LISTED_AT_ONCE
      // The catalog reads the next page while the caller uses this one.
      if (!isLast) next = pageAfter(page.at(-1)?.key)
      if (page.length > 0) yield page
      if (isLast) return
    }
  }

  async delete({ id: bucketId }: Bucket, key: string): Promise<boolean> {
    return (await deleteObject(this.#parts.database, { bucketId, key })) !== null
  }

  async finishUndelete(bucket: Bucket, options: { signal: AbortSignal }): Promise<void> {
    this.#assertOpen()
    await this.#parts.tender.finishUndelete(bucket, options)
  }

  async tend({ signal }: { signal: AbortSignal }): Promise<void> {
    this.#tending = this.#parts.tender.run(AbortSignal.any([signal, this.#closing.signal]))
    await this.#tending
  }

  async close({ graceMs }: { graceMs: number }): Promise<void> {
    this.#closing.abort()
    const { packs, opened, writer, tender, work } = this.#parts
    await within(graceMs, async () => {
      await Promise.all([packs.idle(), this.#tending])
      await tender.drawLastCheckpoints()
    })
    opened.close()
    await work.close()
    await writer.close()
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) {
      throw new BackupError('The store of objects is closing', { code: 'CANCELLED' })
    }
  }
}

/** Resolves when `work` has ended, or the time has passed. */
async function within(ms: number, work: () => Promise<unknown>): Promise<void> {
  const ended = new AbortController()
  const limit = sleep(ms, undefined, { signal: ended.signal, ref: false }).catch(() => {})
  try {
    await Promise.race([work(), limit])
  } finally {
    ended.abort()
  }
}
