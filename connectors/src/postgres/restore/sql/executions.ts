import { randomBytes } from 'node:crypto'
import type { PassThrough } from '#postgres/restore/sql/pass-through.ts'

/** Most bytes of INSERTs in one EXECUTE. */
const MAX_ROWS_BYTES = 64 * 1024

/** Puts each statement into its own EXECUTE; successive INSERTs share one. */
export class Executions {
  readonly #text: PassThrough
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

  close(): void {
    this.#text.isKeeping = false
    if (this.#tail !== undefined) this.#text.put(this.#tail)
    this.#tail = undefined
    this.#rowsFrom = undefined
  }
}

/** What encloses a piece of SQL in psql's input. */
export interface Wrapping {
  head: Buffer
  tail: Buffer
}

/**
 * Passes SQL to the server inside of PL/pgSQL's EXECUTE. For psql it is the inside of a dollar quote, with no
 * command, variable or end of a statement. The server parses it only when it runs, and then refuses to begin,
 * end or prepare a transaction, and a COPY from or to the client.
 * The quotes are random and chosen after the text was written: no text can contain them. The line break keeps
 * a character that is cut short at the end of the text from swallowing the quote.
 */
export function wrapping(): Wrapping {
  const mark = randomBytes(16).toString('hex')
  return {
    head: Buffer.from(`DO $a${mark}$BEGIN EXECUTE $b${mark}$`),
    tail: Buffer.from(`\n  $b${mark}$; END$a${mark}$;\n`),
  }
}

export function executed(sql: string): string {
  const { head, tail } = wrapping()
  return `${head}${sql}${tail}`
}
