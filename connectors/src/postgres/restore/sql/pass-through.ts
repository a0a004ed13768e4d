/** A stream of bytes under the eye of a scanner: what was looked at is given out where it is to be kept. */
export class PassThrough {
  /** The bytes at hand. */
  bytes: Buffer = Buffer.alloc(0)
  /** The next one to look at. */
  at = 0
  /** Nothing comes after the bytes at hand. */
  isLast = false
  /** The first byte that was neither given out nor dropped. */
  #from = 0
  #out: Buffer[] = []
  #isKeeping = false
  #givenBytes = 0

  /** More bytes behind those that are still to be looked at. */
  take(chunk: Buffer, isLast: boolean): void {
    const rest = this.bytes.subarray(this.at)
    this.bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.isLast = isLast
    this.at = 0
    this.#from = 0
    this.#out = []
  }

  /** What came through of the bytes at hand; those not looked at yet wait for the next ones. */
  passed(): Buffer[] {
    this.#give()
    return this.#out
  }

  /** Whether bytes are given out from here on; at first they are not. */
  set isKeeping(keep: boolean) {
    this.#give()
    this.#isKeeping = keep
  }

  /** How many bytes were kept so far. */
  get keptBytes(): number {
    return this.#givenBytes + (this.#isKeeping ? this.at - this.#from : 0)
  }

  /** Gives out bytes of another origin, in their place. */
  put(bytes: Buffer): void {
    this.#give()
    this.#out.push(bytes)
  }

  /** How many bytes wait. */
  get waiting(): number {
    return this.bytes.length - this.at
  }

  /** Goes on at `end`, and leaves out what lies before it. */
  drop(end: number): void {
    this.#give()
    this.at = end
    this.#from = end
  }

  /** Goes on after the next `byte`; false when there is none, and then all bytes are looked at. */
  skipPast(byte: number): boolean {
    const found = this.bytes.indexOf(byte, this.at)
    this.at = found < 0 ? this.bytes.length : found + 1
    return found >= 0
  }

  /** Goes on at the next `needle`; false when there is none, and then only what may be its beginning waits. */
  skipTo(needle: Buffer): boolean {
    const found = this.bytes.indexOf(needle, this.at)
    this.at = found < 0 ? this.bytes.length - this.#begunOf(needle) : found
    return found >= 0
  }

  /** With how many bytes of the needle the bytes end; nearly always none, and then the next ones need not be joined. */
  #begunOf(needle: Buffer): number {
    if (this.isLast) return 0
    let begun = Math.min(needle.length - 1, this.waiting)
    while (begun > 0 && !needle.subarray(0, begun).equals(this.bytes.subarray(-begun))) begun--
    return begun
  }

  #give(): void {
    if (this.#isKeeping && this.at > this.#from) {
      this.#out.push(this.bytes.subarray(this.#from, this.at))
      this.#givenBytes += this.at - this.#from
    }
    this.#from = this.at
  }
}
