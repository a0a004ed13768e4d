import { randomUUID } from 'node:crypto'
import type { PutRecord } from '@telegram-backup/archive'
import {
  type Bucket,
  type Database,
  type FoundObject,
  planUndelete,
  versionsById,
} from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import type { FillingPack } from '#objects/fill/filling-pack.ts'
import type { FillingPacks } from '#objects/fill/filling-packs.ts'

/** What was done, in numbers of objects. */
export interface UndeleteReport {
  /** Stored again under their keys, from bytes that are in the chat. */
  restored: number
  /** Deleted, since there was none of that key then. They can be brought back in the same way. */
  removed: number
  unchanged: number
}

/** Objects of one look into the catalog. */
const FOUND_AT_ONCE = 500

/**
 * Takes all of a bucket back to a moment. Nothing is uploaded: records of put and delete go into packs, a few
 * thousand in each. What fits into one pack happens at once. Otherwise objects come back first, in the order
 * of their keys, and others go last, in the reverse order: restic's data before its index before its
 * snapshots. So whatever was read before can be read all the time, and the same call continues after a crash.
 * Throws `INVALID` for a moment that cannot be reached, `NOT_FOUND`, and what `ObjectStore.put` throws.
 */
export async function undeleteBucket(
  { database, packs }: { database: Database; packs: FillingPacks },
  { bucket, at, signal }: { bucket: Bucket; at: Date; signal: AbortSignal },
): Promise<UndeleteReport> {
  const plan = await planUndelete(database, { bucketId: bucket.id, at })
  const filler = new RecordPacks(packs, { bucket, signal })
  try {
    for (let from = 0; from < plan.restore.length; from += FOUND_AT_ONCE) {
      const ids = plan.restore.slice(from, from + FOUND_AT_ONCE).map(({ id }) => id)
      const found = new Map((await versionsById(database, ids)).map(version => [version.object.id, version]))
      for (const id of ids) await filler.restore(bytesKept(found.get(id)))
    }
    for (const { id, key } of plan.remove.toReversed()) await filler.remove(id, key)
    await filler.finish()
  } catch (error) {
    filler.giveUp(error)
    throw error
  }
  const { restore, remove, unchanged } = plan
  return { restored: restore.length, removed: remove.length, unchanged }
}

function bytesKept(found: FoundObject | undefined): FoundObject {
  if (found !== undefined) return found
  throw new BackupError('A version of an object went for good meanwhile', { code: 'CONFLICT' })
}

/** Packs of records, one after the other. */
class RecordPacks {
  readonly #packs: FillingPacks
  readonly #of: { bucket: Bucket; signal: AbortSignal }
  #filling: FillingPack | undefined

  constructor(packs: FillingPacks, of: { bucket: Bucket; signal: AbortSignal }) {
    this.#packs = packs
    this.#of = of
  }

  async restore({ object, extents, content }: FoundObject): Promise<void> {
    const record: PutRecord = {
      put: object.key,
      id: randomUUID(),
      size: object.size,
      sha256: object.sha256,
      ...(object.etag !== null && { etag: object.etag }),
      ...(object.meta !== null && { meta: object.meta as Record<string, string> }),
      at: new Date().toISOString(),
      extents: extents.map(({ packId: pack, offset, length }) => ({ pack, offset, length })),
    }
    const pack = await this.#packFor(record)
    pack.addObject({
      ...{ record, ifAbsent: false, signal: this.#of.signal, onIntended: () => {} },
      content: content ?? undefined,
    })
  }

  async remove(id: string, key: string): Promise<void> {
    const record = { delete: key, id, at: new Date().toISOString() }
    const pack = await this.#packFor(record)
    pack.builder.addRecord(record)
  }

  async finish(): Promise<void> {
    const pack = this.#filling
    this.#filling = undefined
    if (pack !== undefined) await this.#packs.send(pack).committed
  }

  giveUp(error: unknown): void {
    this.#filling?.end({ error })
    this.#filling = undefined
  }

  async #packFor(record: PutRecord | { delete: string; id: string; at: string }): Promise<FillingPack> {
    if (this.#filling !== undefined && !this.#filling.hasRoomFor(0, record)) await this.finish()
    this.#filling ??= await this.#packs.open(this.#of.bucket, { isShared: false, signal: this.#of.signal })
    return this.#filling
  }
}
