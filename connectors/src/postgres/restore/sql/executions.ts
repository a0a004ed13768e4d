import { wrapping } from '#postgres/restore/sql/executed.ts'
import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'

/** So many bytes of rows that follow each other go to the server at once. */
const MAX_ROWS_BYTES = 64 * 1024

/** Puts the statements of a text into EXECUTEs, each into its own; INSERTs that follow each other share one. */
export class Executions {
  readonly #text: PassThrough
  /** What ends the EXECUTE that is begun; undefined when none is. */
  #tail: Buffer | undefined
  /** Where its rows begin, in bytes that were kept; undefined when it is no INSERT. */
  #rowsFrom: number | undefined

  constructor(text: PassThrough) {
    this.#text = text
  }

  /** A statement begins; `word` is its first one, if it begins with a word. */
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

  /** It ends; what lies between statements is left out. */
  end(): void {
    this.#text.isKeeping = false
    if (this.#rowsFrom === undefined) this.close()
  }

  /** Nothing more comes into the EXECUTE that is begun. */
  close(): void {
    this.#text.isKeeping = false
    if (this.#tail !== undefined) this.#text.put(this.#tail)
    this.#tail = undefined
    this.#rowsFrom = undefined
  }
}
