import { createHash, type Hash } from 'node:crypto'
import type { PackPiece } from '@telegram-backup/database'

/** An object whose bytes do not have its SHA-256. */
export type WrongObject = Pick<PackPiece, 'key' | 'object_id'>

/** An object of several packs, of which some were read. */
interface BegunObject {
  hash: Hash
  /** The next piece; later packs hold it. */
  next: number
}

/**
 * Compares live objects with their SHA-256 while the packs are read, one after the other. The pieces of an
 * object lie in packs with rising numbers, so its bytes come in their order; one whose pieces were moved
 * apart, or whose pack could not be read, is left out.
 */
export class ObjectHashes {
  readonly #begun = new Map<string, BegunObject>()
  #compared = 0

  /** Objects that were compared to the last byte. */
  get compared(): number {
    return this.#compared
  }

  /** Reads all plain bytes of a pack; returns the objects that are wrong. Throws what reading throws. */
  async read(plain: AsyncIterable<Buffer>, pieces: readonly PackPiece[]): Promise<WrongObject[]> {
    const waiting = pieces.flatMap(piece => {
      const hash = this.#hashFor(piece)
      return hash === undefined ? [] : [{ piece, hash }]
    })
    let position = 0
    for await (const bytes of plain) {
      const end = position + bytes.length
      for (const { piece, hash } of waiting) {
        const from = Math.max(piece.offset, position)
        const to = Math.min(piece.offset + piece.length, end)
        if (from < to) hash.update(bytes.subarray(from - position, to - position))
      }
      position = end
    }
    return waiting.flatMap(one => this.#ended(one))
  }

  #hashFor({ object_id, no }: PackPiece): Hash | undefined {
    if (no === 1) return createHash('sha256')
    const begun = this.#begun.get(object_id)
    return begun?.next === no ? begun.hash : undefined
  }

  #ended({ piece, hash }: { piece: PackPiece; hash: Hash }): WrongObject[] {
    const { object_id, key, no, count, sha256 } = piece
    if (no < count) {
      this.#begun.set(object_id, { hash, next: no + 1 })
      return []
    }
    this.#begun.delete(object_id)
    this.#compared++
    return hash.digest('hex') === sha256 ? [] : [{ object_id, key }]
  }
}
