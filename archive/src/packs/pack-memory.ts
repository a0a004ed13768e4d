/** Memory for one pack, which a thread can have for a while: it is handed over, and not copied. */
export class PackMemory {
  /** Undefined while a thread has it, and once it is freed. */
  #memory: ArrayBuffer | undefined
  #isFreed = false
  readonly sizeBytes: number

  /** With old content. Memory that is not written to costs nothing. */
  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes
    this.#memory = Buffer.allocUnsafeSlow(sizeBytes).buffer
  }

  /**
   * All of it. A view is of no use after the next {@link handOver}.
   * @throws RangeError while a thread has it, and once it is freed
   */
  get bytes(): Buffer<ArrayBuffer> {
    return Buffer.from(this.#here())
  }

  /** For `postMessage`, which then must transfer it. @throws RangeError as {@link bytes} */
  handOver(): ArrayBuffer {
    const memory = this.#here()
    this.#memory = undefined
    return memory
  }

  /** Takes back what was handed over. */
  takeBack(memory: ArrayBuffer): void {
    if (this.#isFreed) memory.transfer(0)
    else this.#memory = memory
  }

  /**
   * At once: the garbage collector sees only the small object, and would leave tens of megabytes. What a
   * thread has is freed when it comes back. May be called twice.
   */
  free(): void {
    this.#isFreed = true
    this.#memory?.transfer(0)
    this.#memory = undefined
  }

  #here(): ArrayBuffer {
    if (this.#memory === undefined) throw new RangeError('the memory of the pack is not here')
    return this.#memory
  }
}
