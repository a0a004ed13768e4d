import { BackupError } from '@telegram-backup/errors'
import { type DumpSelection, START_BYTES } from '#postgres/restore/selection/dump-selection.ts'
import { readTocEntry } from '#postgres/restore/selection/toc-entry.ts'
import type { CopyStatement } from '#postgres/restore/sql/copy-statement.ts'
import type { DumpReader } from '#postgres/restore/sql/dump-reader.ts'
import { DumpScanner } from '#postgres/restore/sql/dump-scanner.ts'
import { PassThrough } from '#postgres/restore/sql/pass-through.ts'

/** A definition is shorter. */
const LONGEST_TAKEN_BYTES = 64 * 1024 * 1024

/**
 * Shortens a plain dump to what is selected; the rest goes the way of every dump. A wrong cut here can only
 * change what is left out.
 */
export class DumpFilter implements DumpReader {
  readonly #selection: DumpSelection
  readonly #text = new PassThrough()
  readonly #scanner: DumpScanner
  /** Pieces of the statement that is taken. */
  #taken: Buffer[] | undefined
  #isPassing = false

  constructor(selection: DumpSelection, unknownSettings: ReadonlySet<string>) {
    this.#selection = selection
    this.#scanner = new DumpScanner({ text: this.#text, reader: this, unknownSettings })
  }

  /** Returns what is selected of the chunk; the pieces share its memory. Throws what the selection throws. */
  push(chunk: Buffer): Buffer[] {
    this.#scanner.push(chunk)
    const passed = this.#text.passed()
    this.#assertBounded()
    return passed
  }

  finish(): Buffer[] {
    this.#scanner.finish()
    this.#put(this.#selection.end())
    return this.#text.passed()
  }

  begin(word: string): boolean {
    const text = this.#text
    const { bytes, at, waiting, isLast } = text
    const end = at + START_BYTES
    // A whole short statement shows as much.
    const isEnough = waiting >= START_BYTES || isLast || bytes.includes(';', at)
    if (!isEnough) return false
    const choice = this.#selection.choose({ word, text: bytes.toString('latin1', at, end) })
    if (choice === 'leave out') return true
    this.#isPassing = choice === 'pass'
    if (choice === 'take') {
      this.#taken = []
      text.aside = this.#taken
    }
    text.isKeeping = true
    return true
  }

  end(): void {
    const text = this.#text
    text.isKeeping = false
    const taken = this.#taken
    if (taken !== undefined) {
      text.aside = undefined
      this.#taken = undefined
      this.#put(this.#selection.taken(Buffer.concat(taken).toString('latin1')))
    }
    if (this.#isPassing) this.#put('\n')
    this.#isPassing = false
  }

  copy({ table, columns }: CopyStatement): boolean {
    const sql = this.#selection.copy({ table, columns })
    this.#put(sql)
    return sql !== ''
  }

  comment(line: string): void {
    const entry = readTocEntry(line)
    if (entry !== undefined) this.#put(this.#selection.entry(entry))
  }

  #put(sql: string): void {
    if (sql !== '') this.#text.put(Buffer.from(sql, 'latin1'))
  }

  #assertBounded(): void {
    const bytes = this.#taken?.reduce((sum, piece) => sum + piece.length, 0) ?? 0
    if (bytes <= LONGEST_TAKEN_BYTES) return
    throw new BackupError('A statement of the dump is too long for restoring a part of it', {
      code: 'UNRESTORABLE',
      hint: 'The longest one may have 64 MiB; rows that pg_dump wrote as INSERT can be longer. Restore the whole backup into a new database.',
    })
  }
}
