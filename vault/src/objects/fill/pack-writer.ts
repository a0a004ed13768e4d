import type { DeleteRecord } from '@telegram-backup/archive'
import { type Database, reservePack, takenKeys, untoldDeletes } from '@telegram-backup/database'
import { BackupError, describeError } from '@telegram-backup/errors'
import type { FillingPack, StoredIn } from '#objects/fill/filling-pack.ts'
import type { PackSender, PackTurn } from '#objects/messages/pack-sender.ts'
import { cancelled } from '#session/session.ts'

/** Of one pack, each under a new number. */
const MAX_TRIES = 3
/** Told by one pack; the others wait for the next one. */
const MOST_DELETES = 2_000

export interface PackWriterOptions {
  database: Database
  sender: PackSender
  /** Waits until the second chat has a pack, if there is one. */
  waitForCopy: (packId: string) => Promise<void>
  /** Ends all sends. */
  signal: AbortSignal
}

/** Closes packs and sends them: what is in them becomes visible with the end of each one. */
export class PackWriter {
  readonly #options: PackWriterOptions
  readonly #unproven = new Set<string>()

  constructor(options: PackWriterOptions) {
    this.#options = options
  }

  /** Packs of this process that may be in the chat although their sends have failed. */
  leftPacks(): string[] {
    return [...this.#unproven].filter(id => !this.#options.sender.isUnderWay(id))
  }

  /** They are reconciled. */
  forget(packIds: readonly string[]): void {
    for (const id of packIds) this.#unproven.delete(id)
  }

  /** Uses the turn up, or releases it when there is nothing to send. Ends the pack in any case. */
  async send(pack: FillingPack, turn: PackTurn): Promise<void> {
    try {
      const stored = await this.#sendUntilAccepted(pack, turn)
      pack.end({ stored })
    } catch (error) {
      pack.end({ error })
      throw error
    } finally {
      turn.release()
    }
  }

  async #sendUntilAccepted(pack: FillingPack, first: PackTurn): Promise<StoredIn> {
    const { sender, signal } = this.#options
    let turn = first
    for (let tries = 1; ; tries++) {
      try {
        return await this.#sendOnce(pack, turn)
      } catch (error) {
        const { code } = describeError(error)
        // The catalog wants another number, or another process has one of the keys now.
        if (code !== 'CONFLICT' || tries === MAX_TRIES) throw error
        turn.release()
        turn = await sender.takeTurn({ signal })
      } finally {
        turn.release()
      }
    }
  }

  async #sendOnce(pack: FillingPack, turn: PackTurn): Promise<StoredIn> {
    const { database, sender, signal, waitForCopy } = this.#options
    const { bucket, builder, uploadId, undeletingTo } = pack
    dropCancelled(pack)
    await this.#refuseKnownKeys(pack)
    const deletes = await this.#tellDeletes(pack)
    if (builder.records.length === 0) throw cancelled()
    const reserved = await reservePack(database, { ...turn, bucketId: bucket.id })
    const { packId, sequence, catalogId, at } = reserved
    pack.stamp(at)
    const { bytes, sha256, plainSize, encrypted, header } = await builder.seal({
      pack: packId,
      catalogId,
      sequence,
      createdAt: at.toISOString(),
      names: reserved.names.map(({ packId: pack, ...name }) => ({ pack, ...name })),
    })
    for (const object of pack.objects) object.onIntended()
    this.#unproven.add(packId)
    await sender.send(
      {
        ...{ bucket, packId, sequence, bytes, sha256, plainSize, encrypted, uploadId, createdAt: at },
        names: header.names.map(({ pack }) => pack),
        puts: pack.intendedObjects(packId),
        deletes,
        undeletingTo,
      },
      turn,
      { signal },
    )
    this.#unproven.delete(packId)
    if (bucket.replica === 'wait') await waitForCopy(packId)
    return { packId, sequence, at }
  }

  /** Between the first look and now, another process may have stored an object of that key. */
  async #refuseKnownKeys(pack: FillingPack): Promise<void> {
    const { database } = this.#options
    const careful = pack.objects.filter(({ ifAbsent }) => ifAbsent)
    if (careful.length === 0) return
    const wanted = careful.map(({ record: { put: key, sha256 } }) => ({ key, sha256 }))
    const taken = new Set(await takenKeys(database, { bucketId: pack.bucket.id, wanted }))
    for (const object of careful) {
      if (taken.has(object.record.put)) pack.refuse(object, existsAlready(object.record.put))
    }
  }

  /** Ids of the versions whose deletion the pack tells. A second try keeps those of the first. */
  async #tellDeletes({ bucket, builder }: FillingPack): Promise<string[]> {
    const told = new Set(builder.records.flatMap(record => ('delete' in record ? [record.id] : [])))
    const untold = await untoldDeletes(this.#options.database, { bucketId: bucket.id, limit: MOST_DELETES })
    for (const { id, key, deleted_at } of untold) {
      const record: DeleteRecord = { delete: key, id, at: deleted_at.toISOString() }
      if (told.has(id)) continue
      if (!builder.hasRoomFor(0, [record])) break
      builder.addRecord(record)
      told.add(id)
    }
    return [...told]
  }
}

/** A caller that went away gets nothing stored, as long as its pack is not closed. */
function dropCancelled(pack: FillingPack): void {
  for (const object of [...pack.objects]) if (object.signal.aborted) pack.refuse(object, cancelled())
}

export function existsAlready(key: string): BackupError {
  return new BackupError(`There is an object ${key} with other bytes already`, { code: 'CONFLICT' })
}
