import { lendMemory } from '#lent-memory.ts'

/** Memory of a {@link BlockRing}; can be sent to a thread. */
export interface SharedBlocks {
  control: SharedArrayBuffer
  slots: SharedArrayBuffer[]
}

const FILLED = 0
const TAKEN = 1
const STOPPED = 2
/** Three words, and one for alignment. */
const COUNTERS_BYTES = 16
const PRODUCED_BYTES = 8
const DIGEST_BYTES = 32
const CONTROL_BYTES = COUNTERS_BYTES + PRODUCED_BYTES + DIGEST_BYTES
/** Number, start and end of a block. */
const SLOT_WORDS = 3
/** Instead of a block's end: nothing follows. */
const END = -1

/**
 * Blocks of shared memory that go from one producing to one consuming thread, in order. The producer waits
 * while all are filled, the consumer while all are empty: the memory is bounded. Blocks are numbered and
 * bytes counted on both sides: a lost, repeated or cut block is an error, never a shorter backup.
 * Worker threads use the blocking waits, the main thread only the asynchronous ones.
 */
export class BlockRing {
  readonly #counters: Int32Array
  readonly #producedBytes: Float64Array
  readonly #digest: Uint8Array
  readonly #slotFacts: Int32Array
  readonly #slots: Uint8Array[]
  #bytes = 0

  /**
   * Reserves blocks; the system provides the memory when it is written to.
   * @param size.slots a power of two, so that the order of slots survives a wrap of the counters
   */
  static allocate(size: { slots: number; slotSizeBytes: number }): SharedBlocks {
    if (!Number.isInteger(Math.log2(size.slots)))
      throw new RangeError(`${size.slots} slots are no power of two`)
    const factsBytes = size.slots * SLOT_WORDS * Int32Array.BYTES_PER_ELEMENT
    return {
      control: new SharedArrayBuffer(CONTROL_BYTES + factsBytes),
      slots: Array.from({ length: size.slots }, () => lendMemory(size.slotSizeBytes)),
    }
  }

  constructor(shared: SharedBlocks) {
    this.#counters = new Int32Array(shared.control, 0, 3)
    this.#producedBytes = new Float64Array(shared.control, COUNTERS_BYTES, 1)
    this.#digest = new Uint8Array(shared.control, COUNTERS_BYTES + PRODUCED_BYTES, DIGEST_BYTES)
    this.#slotFacts = new Int32Array(shared.control, CONTROL_BYTES)
    this.#slots = shared.slots.map(slot => new Uint8Array(slot))
  }

  /** Producer, worker thread: waits for the next empty block. */
  waitForSpace(): Uint8Array {
    this.throwIfStopped()
    for (let taken = this.#load(TAKEN); this.#isFull(taken); taken = this.#load(TAKEN)) {
      Atomics.wait(this.#counters, TAKEN, taken)
      this.throwIfStopped()
    }
    return this.#slotOf(this.#load(FILLED))
  }

  /** Producer, main thread: the next empty block. `check` runs before each wait and may throw. */
  async spaceAvailable(check: () => void): Promise<Uint8Array> {
    for (let taken = this.#load(TAKEN); ; taken = this.#load(TAKEN)) {
      check()
      if (!this.#isFull(taken)) return this.#slotOf(this.#load(FILLED))
      await Atomics.waitAsync(this.#counters, TAKEN, taken).value
    }
  }

  /** Producer: hands over the bytes from `start` to `end` of the last empty block. */
  fill(start: number, end: number): void {
    if (end <= start) throw new RangeError('A block in the ring cannot be empty')
    this.#producedBytes[0] = this.producedBytes + (end - start)
    this.#publish(start, end)
  }

  /**
   * Producer: nothing follows. Takes a block, so wait for space first.
   * @param digest SHA-256 of all bytes, if the consumer wants it
   */
  end(digest?: Uint8Array): void {
    if (digest) this.#digest.set(digest)
    this.#publish(0, END)
  }

  /** Consumer, worker thread: the next block, or undefined at the end. Valid until {@link release}. */
  waitForBlock(): Uint8Array | undefined {
    const taken = this.#load(TAKEN)
    this.throwIfStopped()
    for (let filled = this.#load(FILLED); filled === taken; filled = this.#load(FILLED)) {
      Atomics.wait(this.#counters, FILLED, filled)
      this.throwIfStopped()
    }
    return this.#blockOf(taken)
  }

  /** Consumer, main thread: as {@link waitForBlock}. `check` runs before each wait and may throw. */
  async blockAvailable(check: () => void): Promise<Uint8Array | undefined> {
    const taken = this.#load(TAKEN)
    for (let filled = this.#load(FILLED); ; filled = this.#load(FILLED)) {
      check()
      if (filled !== taken) return this.#blockOf(taken)
      await Atomics.waitAsync(this.#counters, FILLED, filled).value
    }
  }

  /** Consumer: gives the last block back. */
  release(): void {
    this.#bytes += this.#lengthOf(this.#load(TAKEN))
    Atomics.add(this.#counters, TAKEN, 1)
    Atomics.notify(this.#counters, TAKEN)
  }

  /** Consumer: number of the last block. */
  get takenNumber(): number {
    return this.#load(TAKEN)
  }

  /**
   * For a third thread that looks ahead: waits until `least` blocks wait for the consumer. Returns the number
   * of the first block after the consumer's, or `from` if that comes later; undefined at the end.
   */
  waitForBacklog(least: number, from: number): number | undefined {
    for (;;) {
      this.throwIfStopped()
      const filled = this.#load(FILLED)
      const newest = filled - 1
      if (filled !== 0 && this.#factOf(newest, 2) === END) return undefined
      const taken = this.#load(TAKEN)
      // Counters wrap; their differences do not.
      const ahead = Math.max(1, (from - taken) | 0)
      const waiting = (filled - taken) | 0
      if (waiting >= least && ahead < waiting) return (taken + ahead) | 0
      Atomics.wait(this.#counters, FILLED, filled)
    }
  }

  /** Valid until the consumer releases it. */
  blockAt(number: number): Uint8Array {
    return this.#slotOf(number).subarray(this.#factOf(number, 1), this.#factOf(number, 2))
  }

  /**
   * Main thread: ends all waits. Those of workers throw, those of the main thread run `check`. A thread just
   * about to wait misses it, so this is repeated until the threads have ended.
   */
  stop(): void {
    Atomics.store(this.#counters, STOPPED, 1)
    Atomics.notify(this.#counters, FILLED)
    Atomics.notify(this.#counters, TAKEN)
  }

  /** Worker thread: ends it once its work is unwanted. */
  throwIfStopped(): void {
    if (this.#load(STOPPED) === 1) throw new Error('The ring was stopped')
  }

  /** As given to {@link end}. */
  get digest(): Buffer {
    return Buffer.from(this.#digest)
  }

  get producedBytes(): number {
    return this.#producedBytes[0] ?? 0
  }

  #load(counter: number): number {
    return Atomics.load(this.#counters, counter)
  }

  #isFull(taken: number): boolean {
    // Counters may wrap after 2^31 blocks; their difference stays right.
    return ((this.#load(FILLED) - taken) | 0) >= this.#slots.length
  }

  #indexOf(number: number): number {
    return (number >>> 0) % this.#slots.length
  }

  #slotOf(number: number): Uint8Array {
    return this.#slots[this.#indexOf(number)] as Uint8Array
  }

  #factOf(number: number, fact: number): number {
    return this.#slotFacts[this.#indexOf(number) * SLOT_WORDS + fact] ?? 0
  }

  #lengthOf(number: number): number {
    return this.#factOf(number, 2) - this.#factOf(number, 1)
  }

  #publish(start: number, end: number): void {
    const number = this.#load(FILLED)
    this.#slotFacts.set([number, start, end], this.#indexOf(number) * SLOT_WORDS)
    Atomics.add(this.#counters, FILLED, 1)
    Atomics.notify(this.#counters, FILLED)
  }

  #blockOf(number: number): Uint8Array | undefined {
    if (this.#factOf(number, 0) !== number) throw new Error(`Block ${number} was lost between two threads`)
    const end = this.#factOf(number, 2)
    if (end !== END) return this.#slotOf(number).subarray(this.#factOf(number, 1), end)
    if (this.#bytes !== this.producedBytes) {
      throw new Error(`${this.producedBytes} bytes went into the ring, ${this.#bytes} came out`)
    }
    return undefined
  }
}
