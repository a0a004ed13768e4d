import { wrapping } from '#postgres/restore/sql/executed.ts'
import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'

/** Most bytes of INSERTs in one EXECUTE. */
const MAX_ROWS_BYTES = 64 * 1024

/** Puts each statement into its own EXECUTE; successive INSERTs share one. */
export class Executions {
  readonly #text: PassThrough
  /** The end of the open EXECUTE, if there is one. */
  #tail: Buffer | undefined
  /** Where its INSERTs begin, in kept bytes; undefined for other statements. */
  #rowsFrom: number | undefined

  constructor(text: PassThrough) {
    this.#text = text
  }

  /** A statement begins; `word` is its first word, if it has one. */
  begin(word: string): void {
    const text = this.#text
    const isRow = word === 'insert'
    if (!isRow || this.#rowsFrom === undefined || text.keptBytes - this.#rowsFrom > MAX_ROWS_BYTES) {
      this.close()
      const { head, tail } = wrapping()
      text.put(head)
      this.#tail = tail
      this.#rowsFrom = isRow ? text.keptBytes : undefined
    }
    text.isKeeping = true
  }

  /** A statement ends; what lies between statements is left out. */
  end(): void {
    this.#text.isKeeping = false
    if (this.#rowsFrom === undefined) this.close()
  }

  /** Ends the open EXECUTE. */
  close(): void {
    this.#text.isKeeping = false
    if (this.#tail !== undefined) this.#text.put(this.#tail)
    this.#tail = undefined
    this.#rowsFrom = undefined
  }
}
