/**
 * Memory for parts, shared by the threads that make them, and used again once its part was sent: new memory for each
 * part would lie about until the garbage collector comes by, and cost a page fault for every 4 KiB.
 */
export class PartMemory {
  readonly #slotSizeBytes: number
  readonly #free: SharedArrayBuffer[] = []

  /** @param slotSizeBytes room for the largest part */
  constructor(slotSizeBytes: number) {
    this.#slotSizeBytes = slotSizeBytes
  }

  /**
   * Room for a part, with whatever was in it before.
   * @returns the slot, and what gives it back, of which only the first call counts
   */
  take(): PartSlot {
    // The system hands out the memory of a new one only when it is written to.
    const memory = this.#free.pop() ?? new SharedArrayBuffer(this.#slotSizeBytes)
    let isTaken = true
    const release = (): void => {
      if (isTaken) this.#free.push(memory)
      isTaken = false
    }
    return { memory, release }
  }
}

/** Room for a part. */
export interface PartSlot {
  memory: SharedArrayBuffer
  release: () => void
}
