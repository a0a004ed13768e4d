import type { CopyStatement } from '#postgres/restore/sql/copy-statement.ts'

/** What becomes of the pieces of a dump. The reader keeps or drops the bytes of the scanner's text. */
export interface DumpReader {
  /**
   * A statement begins where the text stands; `word` is its first word in lower case, '' for another token.
   * False when the reader has to see more bytes first: it is called again.
   */
  begin(word: string): boolean
  /** It ended; the text stands behind its semicolon. */
  end(): void
  /** A COPY from stdin begins there instead; returns whether its data are kept. */
  copy(statement: CopyStatement): boolean
  /** A line comment between two statements, without its `--`; the beginning of a very long one. */
  comment?(line: string): void
}
