import { type OpenedPack, openProvenPack, PackMemory, type PackWork } from '@telegram-backup/archive'
import type { Pack } from '@telegram-backup/database'
import { MemoryBudget, type Reservation } from '#objects/fill/memory-budget.ts'

export interface OpenedPacksOptions {
  /** Packs in memory at once. */
  atOnce: number
  /**
   * The document as it was sent, checked by its SHA-256, in `memory`; `kept` resolves when nothing but the
   * reader needs that memory. `again`: its bytes will be asked for again, later than this class keeps them.
   */
  fetch: (
    pack: Pack,
    of: { memory: Buffer; again: boolean },
  ) => Promise<{ bytes: Buffer; kept: Promise<void> }>
  identities: () => Promise<readonly string[]>
  /** Decrypts. */
  work: PackWork
}

interface Entry {
  readonly opened: Promise<OpenedPack>
  readonly reservation: Reservation
  readonly memory: PackMemory
  users: number
  /** Until it is given up, while nobody reads it. */
  timer: NodeJS.Timeout | undefined
}

/** While others wait for memory, a reader that takes no piece for so long loses its own. */
const PATIENCE_MS = 2_000
/** A later pack may be a little larger, since their sizes vary. */
const SPARE_BYTES = 65_536
/** A pack that nobody reads stays for so long: the next range is often in the same one. */
const KEPT_MS = 30_000
/** Of a pack of 20 MiB; of small ones, readers may well take everything more than once. */
const LEAST_AT_ONCE_BYTES = 8 * 1024 * 1024

/** One reader of a pack, which ends early when it is slow and others wait. */
class Use {
  readonly entry: Entry
  readonly #leave: (entry: Entry) => void
  #timer: NodeJS.Timeout | undefined
  hasEnded = false

  constructor(entry: Entry, leave: (entry: Entry) => void) {
    this.entry = entry
    this.#leave = leave
  }

  /** The reader has a piece, and needs nothing of the pack until it comes back. */
  awaitReader(isWaitedFor: () => boolean): void {
    this.#timer = setInterval(() => {
      if (isWaitedFor()) this.end()
    }, PATIENCE_MS).unref()
  }

  goOn(): void {
    clearInterval(this.#timer)
  }

  /** May be called twice. */
  end(): void {
    clearInterval(this.#timer)
    if (this.hasEnded) return
    this.hasEnded = true
    this.#leave(this.entry)
  }
}

/**
 * Packs in memory: fetched and opened once for all who read them at the same time, and for those who come
 * soon.
 */
export class OpenedPacks {
  readonly #options: OpenedPacksOptions
  readonly #memory: MemoryBudget
  /** By id; those that were used last come last. */
  readonly #entries = new Map<string, Entry>()
  /** Memory of packs that were given up, for those that others wait for. */
  readonly #spare: PackMemory[] = []

  constructor(options: OpenedPacksOptions) {
    this.#options = options
    this.#memory = new MemoryBudget(options.atOnce)
  }

  /**
   * Plain bytes of the pack, in pieces that stay as they are. Whoever takes them slowly keeps no memory that
   * others wait for. Throws what `fetch` throws, `NO_KEY`, `WRONG_KEY`, `INTEGRITY`, and `CANCELLED` while it
   * waits for memory.
   */
  async *reading(
    pack: Pack,
    { offset, length }: { offset: number; length: number },
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    for (let read = 0; read < length; ) {
      const again = !takesItAtOnce(pack, length)
      const use = new Use(await this.#used(pack, again, signal), entry => this.#leave(pack.id, entry))
      try {
        for await (const piece of (await use.entry.opened).read({
          offset: offset + read,
          length: length - read,
        })) {
          read += piece.length
          use.awaitReader(() => this.#memory.isWaitedFor)
          yield piece
          if (use.hasEnded) break
          use.goOn()
        }
      } finally {
        use.end()
      }
    }
  }

  async #used(pack: Pack, again: boolean, signal: AbortSignal): Promise<Entry> {
    return this.#use(pack.id) ?? (await this.#open(pack, again, signal))
  }

  #leave(id: string, entry: Entry): void {
    entry.users--
    if (entry.users === 0) this.#keepForAWhile(id, entry)
  }

  /** Gives all memory back that is not in use. */
  close(): void {
    for (const [id, entry] of this.#entries) if (entry.users === 0) this.#drop(id, entry)
    for (const memory of this.#spare.splice(0)) memory.free()
  }

  /** One more uses the pack, which is now the one that was used last. */
  #use(id: string): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined) return undefined
    entry.users++
    clearTimeout(entry.timer)
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return entry
  }

  async #open(pack: Pack, again: boolean, signal: AbortSignal): Promise<Entry> {
    this.#makeRoom()
    const reservation = await this.#memory.reserve(1, signal)
    const other = this.#use(pack.id)
    if (other !== undefined) {
      reservation.release()
      return other
    }
    const memory = this.#memoryFor(pack, reservation)
    // Not under the caller's signal: others may wait for the same pack.
    const opened = this.#fetchAndOpen(pack, { memory, again })
    const entry = { opened, reservation, memory, users: 1, timer: undefined }
    this.#entries.set(pack.id, entry)
    opened.catch(() => this.#drop(pack.id, entry))
    return entry
  }

  async #fetchAndOpen(
    pack: Pack,
    { memory, again }: { memory: PackMemory; again: boolean },
  ): Promise<OpenedPack> {
    const { fetch, identities, work } = this.#options
    const { bytes, kept } = await fetch(pack, { memory: memory.bytes, again })
    // It is decrypted where it lies, and given to another pack when it cannot be opened.
    await kept
    const { encrypted, id, bucket_id: bucket } = pack
    const keys = encrypted ? await identities() : []
    const place = { start: 0, end: bytes.length }
    return await openProvenPack(
      { memory, place },
      { identities: keys, encrypted, expected: { pack: id, bucket }, work },
    )
  }

  /** Releases the reservation when the system has no memory (RangeError). */
  #memoryFor({ size }: Pack, reservation: Reservation): PackMemory {
    const fits = this.#spare.findIndex(({ sizeBytes }) => sizeBytes >= size)
    const [memory] = fits < 0 ? [] : this.#spare.splice(fits, 1)
    if (memory !== undefined) return memory
    // All together are as many as there may be packs.
    for (const tooSmall of this.#spare.splice(0, 1)) tooSmall.free()
    try {
      return new PackMemory(size + SPARE_BYTES)
    } catch (error) {
      reservation.release()
      throw error
    }
  }

  /** The pack that nobody reads, and that was used longest ago, goes. */
  #makeRoom(): void {
    if (this.#memory.hasRoomFor(1)) return
    const unread = [...this.#entries].find(([, { users }]) => users === 0)
    if (unread !== undefined) this.#giveUp(...unread)
  }

  #keepForAWhile(id: string, entry: Entry): void {
    if (this.#memory.isWaitedFor) this.#giveUp(id, entry)
    else entry.timer = setTimeout(() => this.#drop(id, entry), KEPT_MS).unref()
  }

  /** Another pack gets the memory. */
  #giveUp(id: string, entry: Entry): void {
    this.#leaveMemory(id, entry, memory => this.#spare.push(memory))
  }

  #drop(id: string, entry: Entry): void {
    this.#leaveMemory(id, entry, memory => memory.free())
  }

  /** Its place is another pack's only when the memory is free: else there would be more of them. */
  #leaveMemory(id: string, entry: Entry, leave: (memory: PackMemory) => void): void {
    clearTimeout(entry.timer)
    // It has left already if it could not be opened.
    if (this.#entries.get(id) !== entry) return
    this.#entries.delete(id)
    leave(entry.memory)
    entry.reservation.release()
  }
}

/**
 * A client that restores takes most of a pack, once. If it were kept, each restore would write as much to the
 * disk as it reads, and push out what other clients read piece by piece.
 */
function takesItAtOnce({ plain_size }: Pack, length: number): boolean {
  return length >= LEAST_AT_ONCE_BYTES && length >= plain_size / 2
}
