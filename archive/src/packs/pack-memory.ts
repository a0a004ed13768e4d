import { giveMemoryBack, lendMemory } from '#lent-memory.ts'
import { PACK_LIMITS } from '#packs/pack-limits.ts'
import { SKIPPABLE_PREFIX_BYTES } from '#part-header.ts'
import { DEFAULT_PART_SIZE_BYTES } from '#part-planner.ts'

/** For a pack that is filled; one that is read is shorter. So they use the same memory in turn. */
const USUAL_BYTES: number = SKIPPABLE_PREFIX_BYTES + PACK_LIMITS.headerBytes + DEFAULT_PART_SIZE_BYTES

/**
 * Memory for one pack, which a thread can have for a while. It is shared memory, which the garbage collector
 * does not count: it would begin a collection with every few packs that come and go.
 */
export class PackMemory {
  readonly sizeBytes: number
  readonly #memory: SharedArrayBuffer
  #state: 'here' | 'away' | 'free while away' | 'free' = 'here'

  /** With old content. Memory that is not written to costs nothing. */
  constructor(leastBytes: number) {
    this.sizeBytes = Math.max(leastBytes, USUAL_BYTES)
    this.#memory = lendMemory(this.sizeBytes)
  }

  /** All of it. @throws RangeError while a thread has it, and once it is free */
  get bytes(): Buffer {
    this.#assertHere()
    return Buffer.from(this.#memory)
  }

  /** For a thread, which alone may use it until {@link takeBack}. @throws RangeError as {@link bytes} */
  handOver(): SharedArrayBuffer {
    this.#assertHere()
    this.#state = 'away'
    return this.#memory
  }

  takeBack(): void {
    const isFree = this.#state === 'free while away'
    this.#state = 'here'
    if (isFree) this.free()
  }

  /** For other packs; what a thread has, when it comes back. May be called twice. */
  free(): void {
    if (this.#state === 'away') this.#state = 'free while away'
    if (this.#state !== 'here') return
    this.#state = 'free'
    giveMemoryBack(this.#memory)
  }

  #assertHere(): void {
    if (this.#state !== 'here') throw new RangeError(`the memory of the pack is ${this.#state}`)
  }
}
