import type { CopyStatement } from '#postgres/restore/sql/copy-statement.ts'
import type { DumpReader } from '#postgres/restore/sql/dump-reader.ts'
import { DumpScanner } from '#postgres/restore/sql/dump-scanner.ts'
import { Executions } from '#postgres/restore/sql/executions.ts'
import { PassThrough } from '#postgres/restore/sql/pass-through.ts'

/**
 * Cuts a plain SQL dump into statements. Each goes to the server as a text for EXECUTE (`executions.ts`),
 * except a COPY, which is written anew. So psql obeys nothing in a dump, and PostgreSQL lets nothing in it
 * end the transaction, wherever this cuts: a wrong cut makes a restore fail, and is no danger.
 * {@link DumpScanner} says what is left out. Throws `UNRESTORABLE`.
 */
export class DumpCutter {
  readonly #text = new PassThrough()
  readonly #executions = new Executions(this.#text)
  readonly #scanner: DumpScanner

  /** `unknownSettings`: settings to leave out, in lower case. */
  constructor(unknownSettings: ReadonlySet<string> = new Set()) {
    const text = this.#text
    const executions = this.#executions
    const reader: DumpReader = {
      begin(word: string): boolean {
        executions.begin(word)
        return true
      },
      end: () => executions.end(),
      copy({ sql }: CopyStatement): boolean {
        executions.close()
        text.put(sql)
        return true
      },
    }
    this.#scanner = new DumpScanner({ text, reader, unknownSettings })
  }

  /** Returns what psql gets of the chunk; the pieces share its memory. */
  push(chunk: Buffer): Buffer[] {
    this.#scanner.push(chunk)
    return this.#text.passed()
  }

  /** Returns the rest. Throws `UNRESTORABLE` when the dump ends in the middle of something. */
  finish(): Buffer[] {
    this.#scanner.finish()
    this.#executions.close()
    return this.#text.passed()
  }
}
