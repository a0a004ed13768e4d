/** A stream of bytes with a scanner, which keeps or drops what it has scanned. */
export class PassThrough {
  bytes: Buffer = Buffer.alloc(0)
  at = 0
  isLast = false
  /** The first byte that was neither passed on nor dropped. */
  #from = 0
  #out: Buffer[] = []
  #aside: Buffer[] | undefined
  #isKeeping = false
  #givenBytes = 0

  /** Adds bytes behind those that are still to be scanned. */
  take(chunk: Buffer, isLast: boolean): void {
    const rest = this.bytes.subarray(this.at)
    this.bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.isLast = isLast
    this.at = 0
    this.#from = 0
    this.#out = []
  }

  /** Copies the bytes that wait, after {@link passed}: the chunk with them may change. */
  ownRest(): void {
    this.bytes = Buffer.from(this.bytes.subarray(this.at))
    this.at = 0
    this.#from = 0
  }

  /** Returns what was kept; bytes not scanned yet wait for the next call. */
  passed(): Buffer[] {
    this.#give()
    return this.#out
  }

  /** Whether bytes are kept from here on; at first they are not. */
  set isKeeping(keep: boolean) {
    this.#give()
    this.#isKeeping = keep
  }

  get keptBytes(): number {
    return this.#givenBytes + (this.#isKeeping ? this.at - this.#from : 0)
  }

  /** From here on, copies of kept bytes go there instead; undefined ends that. */
  set aside(pieces: Buffer[] | undefined) {
    this.#give()
    this.#aside = pieces
  }

  put(bytes: Buffer): void {
    this.#give()
    this.#out.push(bytes)
  }

  get waiting(): number {
    return this.bytes.length - this.at
  }

  drop(end: number): void {
    this.#give()
    this.at = end
    this.#from = end
  }

  /** Moves behind the next `byte`; false when there is none, and then to the end. */
  skipPast(byte: number): boolean {
    const found = this.bytes.indexOf(byte, this.at)
    this.at = found < 0 ? this.bytes.length : found + 1
    return found >= 0
  }

  /** Moves to the next `needle`; false when there is none, and then to what may be its beginning. */
  skipTo(needle: Buffer): boolean {
    const found = this.bytes.indexOf(needle, this.at)
    this.at = found < 0 ? this.bytes.length - this.#begunOf(needle) : found
    return found >= 0
  }

  /** How many bytes of the needle the bytes end with; nearly always none, which saves a copy. */
  #begunOf(needle: Buffer): number {
    if (this.isLast) return 0
    let begun = Math.min(needle.length - 1, this.waiting)
    while (begun > 0 && !needle.subarray(0, begun).equals(this.bytes.subarray(-begun))) begun--
    return begun
  }

  #give(): void {
    if (this.#isKeeping && this.at > this.#from) {
      const kept = this.bytes.subarray(this.#from, this.at)
      if (this.#aside === undefined) this.#out.push(kept)
      else this.#aside.push(Buffer.from(kept))
      this.#givenBytes += this.at - this.#from
    }
    this.#from = this.at
  }
}
