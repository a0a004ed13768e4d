import { giveMemoryBack, lendMemory } from '#lent-memory.ts'

/**
 * Memory for the parts of one archive, shared with its threads, and reused once a part was sent: new memory
 * would wait for the garbage collector, and cost a page fault for every 4 KiB.
 */
export class PartMemory {
  readonly #slotSizeBytes: number
  readonly #free: SharedArrayBuffer[] = []
  #isClosed = false

  /** @param slotSizeBytes of the largest part */
  constructor(slotSizeBytes: number) {
    this.#slotSizeBytes = slotSizeBytes
  }

  /** Room for a part, with old content. Only the first call of `release` counts. */
  take(): PartSlot {
    const memory = this.#free.pop() ?? lendMemory(this.#slotSizeBytes)
    let isTaken = true
    const release = (): void => {
      if (isTaken) this.#putBack(memory)
      isTaken = false
    }
    return { memory, release }
  }

  /** No more parts are made: free and released memory is now for other archives. */
  close(): void {
    this.#isClosed = true
    for (const memory of this.#free.splice(0)) giveMemoryBack(memory)
  }

  #putBack(memory: SharedArrayBuffer): void {
    if (this.#isClosed) giveMemoryBack(memory)
    else this.#free.push(memory)
  }
}

export interface PartSlot {
  memory: SharedArrayBuffer
  release: () => void
}
