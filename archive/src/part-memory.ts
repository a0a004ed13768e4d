import { giveMemoryBack, lendMemory } from '#lent-memory.ts'

/**
 * Memory for the parts of one archive, shared by the threads that make them, and used again once its part was sent: new memory
 * for each part would lie about until the garbage collector comes by, and cost a page fault for every 4 KiB.
 */
export class PartMemory {
  readonly #slotSizeBytes: number
  readonly #free: SharedArrayBuffer[] = []
  #isClosed = false

  /** @param slotSizeBytes room for the largest part */
  constructor(slotSizeBytes: number) {
    this.#slotSizeBytes = slotSizeBytes
  }

  /**
   * Room for a part, with whatever was in it before.
   * @returns the slot, and what gives it back, of which only the first call counts
   */
  take(): PartSlot {
    const memory = this.#free.pop() ?? lendMemory(this.#slotSizeBytes)
    let isTaken = true
    const release = (): void => {
      if (isTaken) this.#putBack(memory)
      isTaken = false
    }
    return { memory, release }
  }

  /** No more parts are made: what is free, and what is released from now on, is for other archives. */
  close(): void {
    this.#isClosed = true
    for (const memory of this.#free.splice(0)) giveMemoryBack(memory)
  }

  #putBack(memory: SharedArrayBuffer): void {
    if (this.#isClosed) giveMemoryBack(memory)
    else this.#free.push(memory)
  }
}

/** Room for a part. */
export interface PartSlot {
  memory: SharedArrayBuffer
  release: () => void
}
