const BLOCK_BYTES = 16
const C1 = 0x239b961b
const C2 = 0xab0e9789
const C3 = 0x38b34ae5
const C4 = 0xa1e38b93

/**
 * MurmurHash3, 128 bits in the form for x86, seed 0, of one line at a time; a line may come in pieces. Of the
 * hashes that need no program of their own, only such a one keeps pace with a dump (decision 34). It finds
 * accidents; whoever chooses the lines can make two with one hash.
 */
export class LineHash {
  /** The four numbers of the last whole line, each from 0 to 2^32 - 1. */
  readonly numbers: Uint32Array = new Uint32Array(4)
  readonly #state = new Int32Array(4)
  /** What is left of the pieces of a line, less than a block. */
  readonly #rest = new DataView(new ArrayBuffer(BLOCK_BYTES))
  #restBytes = 0
  #lengthBytes = 0

  /** Hashes the bytes up to `to`, which end the line. */
  end(view: DataView, from: number, to: number): void {
    if (this.#lengthBytes > 0) {
      this.add(view, from, to)
      finish(this.#state, { view: this.#rest, from: 0, to: this.#restBytes }, this.#lengthBytes, this.numbers)
    } else {
      const tail = to - ((to - from) & (BLOCK_BYTES - 1))
      if (tail > from) mixBlocks(this.#state, view, from, tail)
      finish(this.#state, { view, from: tail, to }, to - from, this.numbers)
    }
    this.#state.fill(0)
    this.#restBytes = 0
    this.#lengthBytes = 0
  }

  /** Adds a piece of a line whose end is still to come. */
  add(view: DataView, from: number, to: number): void {
    this.#lengthBytes += to - from
    let at = from
    if (this.#restBytes > 0) {
      while (this.#restBytes < BLOCK_BYTES && at < to) this.#keep(view.getUint8(at++))
      if (this.#restBytes < BLOCK_BYTES) return
      mixBlocks(this.#state, this.#rest, 0, BLOCK_BYTES)
      this.#restBytes = 0
    }
    const tail = to - ((to - at) & (BLOCK_BYTES - 1))
    if (tail > at) mixBlocks(this.#state, view, at, tail)
    for (at = tail; at < to; at++) this.#keep(view.getUint8(at))
  }

  #keep(byte: number): void {
    this.#rest.setUint8(this.#restBytes++, byte)
  }
}

/** All arithmetic is of 32 bits; in local variables, it takes a third of the time. */
function mixBlocks(state: Int32Array, view: DataView, from: number, to: number): void {
  let h1 = state[0] as number
  let h2 = state[1] as number
  let h3 = state[2] as number
  let h4 = state[3] as number
  for (let at = from; at < to; at += BLOCK_BYTES) {
    h1 = rotated(h1 ^ mixed(view.getInt32(at, true), C1, 15, C2), 19)
    h1 = (Math.imul((h1 + h2) | 0, 5) + 0x561ccd1b) | 0
    h2 = rotated(h2 ^ mixed(view.getInt32(at + 4, true), C2, 16, C3), 17)
    h2 = (Math.imul((h2 + h3) | 0, 5) + 0x0bcaa747) | 0
    h3 = rotated(h3 ^ mixed(view.getInt32(at + 8, true), C3, 17, C4), 15)
    h3 = (Math.imul((h3 + h4) | 0, 5) + 0x96cd1c35) | 0
    h4 = rotated(h4 ^ mixed(view.getInt32(at + 12, true), C4, 18, C1), 13)
    h4 = (Math.imul((h4 + h1) | 0, 5) + 0x32ac3b17) | 0
  }
  state[0] = h1
  state[1] = h2
  state[2] = h3
  state[3] = h4
}

/** Hashes the last bytes, less than a block, and what is left to be done. */
function finish(
  state: Int32Array,
  { view, from, to }: { view: DataView; from: number; to: number },
  lengthBytes: number,
  numbers: Uint32Array,
): void {
  const length = lengthBytes | 0
  let h1 = (state[0] as number) ^ mixed(word(view, from, to), C1, 15, C2) ^ length
  let h2 = (state[1] as number) ^ mixed(word(view, from + 4, to), C2, 16, C3) ^ length
  let h3 = (state[2] as number) ^ mixed(word(view, from + 8, to), C3, 17, C4) ^ length
  let h4 = (state[3] as number) ^ mixed(word(view, from + 12, to), C4, 18, C1) ^ length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = avalanche((h1 + h2) | 0)
  h3 = avalanche((h1 + h3) | 0)
  h4 = avalanche((h1 + h4) | 0)
  h1 = avalanche(h1)
  h1 = (h1 + h2 + h3 + h4) | 0
  numbers[0] = h1
  numbers[1] = h1 + h2
  numbers[2] = h1 + h3
  numbers[3] = h1 + h4
}

/** The number of 32 bits there, as far as there are bytes. */
function word(view: DataView, at: number, to: number): number {
  if (at + 4 <= to) return view.getInt32(at, true)
  let number = 0
  for (let offset = 0; at + offset < to; offset++) number |= view.getUint8(at + offset) << (8 * offset)
  return number
}

function mixed(number: number, first: number, bits: number, second: number): number {
  return Math.imul(rotated(Math.imul(number, first), bits), second)
}

function rotated(number: number, bits: number): number {
  return (number << bits) | (number >>> (32 - bits))
}

function avalanche(number: number): number {
  let mixing = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  mixing = Math.imul(mixing ^ (mixing >>> 13), 0xc2b2ae35)
  return mixing ^ (mixing >>> 16)
}
