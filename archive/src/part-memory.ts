/**
 * Memory for sealed parts, which is used again once its part was sent: new memory for each part would lie about until
 * the garbage collector comes by, and cost a page fault for every 4 KiB.
 */
export class PartMemory {
  readonly #partSizeBytes: number
  readonly #free: ArrayBuffer[] = []

  /** @param partSizeBytes of the largest part */
  constructor(partSizeBytes: number) {
    this.#partSizeBytes = partSizeBytes
  }

  /**
   * Memory for a part, with whatever was in it before.
   * @returns the bytes, and what gives them back, of which only the first call counts
   */
  take(sizeBytes: number): { bytes: Buffer; release: () => void } {
    if (sizeBytes > this.#partSizeBytes) throw new RangeError('a part larger than the largest')
    // The system hands out the memory of a new one only when it is written to.
    const memory = this.#free.pop() ?? new ArrayBuffer(this.#partSizeBytes)
    let isTaken = true
    const release = (): void => {
      if (isTaken) this.#free.push(memory)
      isTaken = false
    }
    return { bytes: Buffer.from(memory, 0, sizeBytes), release }
  }
}
