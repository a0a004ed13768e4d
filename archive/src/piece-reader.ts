import { ArchiveError } from '#archive-error.ts'
import { copyBytes } from '#copy-bytes.ts'

/** Reads runs of any length from pieces of other lengths. */
export class PieceReader {
  readonly #pieces: Iterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)

  /** @param pieces each may be valid only until the next one */
  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]()
  }

  /** Fills `into` with the next bytes. @throws ArchiveError `INTEGRITY` when they end */
  read(into: Uint8Array): void {
    for (let offset = 0; offset < into.length; ) {
      if (this.#piece.length === 0 && !this.#advance()) {
        throw new ArchiveError('The part ends before its last frame', { code: 'INTEGRITY' })
      }
      const taken = this.#piece.subarray(0, into.length - offset)
      copyBytes(into, taken, offset)
      offset += taken.length
      this.#piece = this.#piece.subarray(taken.length)
    }
  }

  /** Reports errors at the end, too. @throws ArchiveError `INTEGRITY` when something is left */
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
