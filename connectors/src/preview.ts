import type { SkippedFile } from '#allowances.ts'

/** What a backup of a source would hold, found out without reading its contents. */
export interface SourcePreview {
  /** Of the plain bytes. */
  readonly filename: string
  /** Plain bytes; undefined when nobody can know. */
  readonly bytes: number | undefined
  /** False: an estimate. */
  readonly isExact: boolean
  /** Of a directory. */
  readonly counts?: PreviewCounts
  /** Of a directory: what its patterns leave out. */
  readonly leftOut?: PreviewCounts
  /** Of a database. */
  readonly database?: DatabasePreview
  /** Files that cannot be read, all of them allowed. */
  readonly skipped?: readonly SkippedFile[]
}

/** `bytes` are the sizes of the files; those of sparse ones include holes. */
export interface PreviewCounts {
  readonly files: number
  readonly directories: number
  readonly bytes: number
}

export interface DatabasePreview {
  /** With its indexes, on the server's disk. */
  readonly sizeBytes: number
  /** Tables whose rows are dumped; undefined when PostgreSQL might read a pattern differently. */
  readonly tables: number | undefined
}
