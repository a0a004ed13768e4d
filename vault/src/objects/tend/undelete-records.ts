import { randomUUID } from 'node:crypto'
import type { PutRecord } from '@telegram-backup/archive'
import type { Bucket, FoundObject } from '@telegram-backup/database'
import type { FillingPack } from '#objects/fill/filling-pack.ts'
import type { FillingPacks } from '#objects/fill/filling-packs.ts'

/** An undelete that the catalog says is under way. */
export interface UndeleteWork {
  bucket: Bucket
  /** The moment to go back to. */
  at: Date
  signal: AbortSignal
}

/** U3: packs with the records of one undelete, one after the other. */
export class UndeleteRecords {
  readonly #packs: FillingPacks
  readonly #of: UndeleteWork
  #filling: FillingPack | undefined

  constructor(packs: FillingPacks, of: UndeleteWork) {
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
    const { bucket, at, signal } = this.#of
    this.#filling ??= await this.#packs.open(bucket, { isShared: false, undeletingTo: at, signal })
    return this.#filling
  }
}
