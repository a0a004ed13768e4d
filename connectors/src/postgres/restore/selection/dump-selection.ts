import type { TocEntry } from '#postgres/restore/selection/toc-entry.ts'

/** What a selection does with a statement: take all of its text to decide, or pass its bytes on, or not. */
export type Choice = 'take' | 'pass' | 'leave out'

/** The beginning of a statement. */
export interface StatementStart {
  /** In lower case; '' when it does not begin with a word. */
  word: string
  /** As bytes in Latin-1, at most {@link START_BYTES}. */
  text: string
}

/** How much of a statement is seen before it is chosen: more than four names. */
export const START_BYTES = 4096

/** A COPY from stdin, as bytes in Latin-1. */
export interface CopyStart {
  table: string
  /** Without parentheses. */
  columns: string | undefined
}

/**
 * Chooses what is restored of a dump. A method that returns SQL returns what replaces the piece that it got,
 * as bytes in Latin-1, '' for nothing. All throw why nothing can be restored.
 */
export interface DumpSelection {
  /** pg_dump's comment above the statements that follow. */
  entry(entry: TocEntry | 'unclear'): string
  choose(start: StatementStart): Choice
  /** A statement that was to be taken, with its semicolon. */
  taken(text: string): string
  /** The COPY, with its line end; its data follow. '' leaves out both. */
  copy(start: CopyStart): string
  /** The dump is at its end. */
  end(): string
}

/** What came back, for people and programs. */
export interface BroughtBack {
  /** Tables, views and sequences, as `schema.name`, with the name in the backup where it is another one. */
  relations: Array<{ name: string; was?: string }>
  /** What did not come back although it belongs there, for people. */
  remarks: string[]
}
