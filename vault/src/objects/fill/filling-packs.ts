import type { PackBuilderOptions, PutRecord } from '@telegram-backup/archive'
import type { Bucket } from '@telegram-backup/database'
import { FillingPack, type PackedObject, type StoredIn } from '#objects/fill/filling-pack.ts'
import { MemoryBudget, type Reservation } from '#objects/fill/memory-budget.ts'
import { PackQueue } from '#objects/fill/pack-queue.ts'
import type { PackTurn } from '#objects/messages/pack-sender.ts'

/**
 * Packs under way at once: while the server forwards one, the line carries another, and the thread of packs
 * encrypts the third. With two, storing takes a tenth longer. At the pace of a chat, 20 messages a minute,
 * two would be enough. Each costs 20 MiB of memory.
 */
const UNDER_WAY = 3
/** Packs that are filled at once, beside those under way. */
const BEING_FILLED = 2

export interface FillingPacksOptions {
  takeTurn: () => Promise<PackTurn>
  send: (pack: FillingPack, turn: PackTurn) => Promise<void>
  options: Omit<PackBuilderOptions, 'bucket'>
}

/**
 * The packs that are filled, or wait for their turn, or are under way; bounded, since each has its own
 * memory.
 */
export class FillingPacks {
  readonly #options: FillingPacksOptions['options']
  readonly #memory = new MemoryBudget(UNDER_WAY + BEING_FILLED)
  readonly #queue: PackQueue<FillingPack, PackTurn>

  constructor({ options, takeTurn, send }: FillingPacksOptions) {
    this.#options = options
    this.#queue = new PackQueue({ takeTurn, send, atOnce: UNDER_WAY })
  }

  /**
   * Adds an object to the pack of its bucket that waits for its turn, or to a new one. Resolves when `plain`
   * is not needed any more, with what resolves when the object is stored. Throws `CANCELLED`, and why it is
   * not stored.
   */
  async add(bucket: Bucket, object: PackedObject, plain: Uint8Array): Promise<{ stored: Promise<StoredIn> }> {
    const { record, signal } = object
    let pack = this.#waitingPack(bucket, plain.length, record)
    if (pack === undefined) {
      const opened = await this.open(bucket, { isShared: true, signal })
      // Another object may have opened one meanwhile.
      pack = this.#waitingPack(bucket, plain.length, record)
      if (pack === undefined) pack = this.send(opened)
      else opened.end({ error: new Error('The pack was not needed') })
    }
    // At once after the look for room: it would be another object's otherwise.
    pack.addWhole(object, plain)
    const stored = pack.stored(object)
    // The caller may look at it later.
    stored.catch(() => {})
    return { stored }
  }

  /** The bucket's deletes are told by its next pack: one without objects, if none waits. */
  async tellDeletes(bucket: Bucket, signal: AbortSignal): Promise<void> {
    const waiting = this.#queue.find(pack => pack.bucket.id === bucket.id)
    const pack = waiting ?? this.send(await this.open(bucket, { isShared: true, signal }))
    await pack.committed
  }

  /** Memory for one pack that is not filled here. Throws `CANCELLED`. */
  async reserveMemory(signal: AbortSignal): Promise<Reservation> {
    return await this.#memory.reserve(1, signal)
  }

  /**
   * An empty pack, as soon as there is memory for it. The caller sends it, or ends it. Throws `CANCELLED`.
   */
  async open(
    bucket: Bucket,
    of: { isShared: boolean; undeletingTo?: Date | undefined; signal: AbortSignal },
  ): Promise<FillingPack> {
    const { isShared, undeletingTo } = of
    const reservation = await this.reserveMemory(of.signal)
    try {
      return new FillingPack({ bucket, isShared, undeletingTo, reservation, options: this.#options })
    } catch (error) {
      reservation.release()
      throw error
    }
  }

  /** Puts a pack at the end of the queue. It may be filled further until its turn comes, if it is shared. */
  send(pack: FillingPack): FillingPack {
    // Those who wait for the pack are told by the pack itself.
    this.#queue.push(pack).catch(error => pack.end({ error }))
    return pack
  }

  #waitingPack({ id }: Bucket, plainBytes: number, record: PutRecord): FillingPack | undefined {
    return this.#queue.find(
      pack => pack.isShared && pack.bucket.id === id && pack.hasRoomFor(plainBytes, record),
    )
  }

  /** Resolves when no pack waits or is under way. */
  async idle(): Promise<void> {
    await this.#queue.idle()
  }
}
