import { ArchiveError } from '#archive-error.ts'

/** Takes runs of bytes of any length out of pieces of other lengths. */
export class PieceReader {
  readonly #pieces: Iterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)

  /** @param pieces each may be valid only until the next one is asked for */
  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]()
  }

  /** Fills `into` with the bytes that come next. @throws ArchiveError `INTEGRITY` when they end before */
  read(into: Uint8Array): void {
    for (let offset = 0; offset < into.length; ) {
      if (this.#piece.length === 0 && !this.#advance()) {
        throw new ArchiveError('The part ends before its last frame', { code: 'INTEGRITY' })
      }
      const taken = this.#piece.subarray(0, into.length - offset)
      into.set(taken, offset)
      offset += taken.length
      this.#piece = this.#piece.subarray(taken.length)
    }
  }

  /** Takes what is wrong with the end, too. @throws ArchiveError `INTEGRITY` when something is left */
  assertEnd(): void {
    while (this.#piece.length === 0) if (!this.#advance()) return
    throw new ArchiveError('The part goes on after its last frame', { code: 'INTEGRITY' })
  }

  #advance(): boolean {
    const { done, value } = this.#pieces.next()
    if (!done) this.#piece = value
    return !done
  }
}
