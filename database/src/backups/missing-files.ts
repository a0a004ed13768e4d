import type { Backup } from '#jobs/types.backup.ts'

/** A file that the send was allowed to leave out, or whose contents changed while it was read. */
export interface MissingFile {
  /** Relative to the directory. */
  path: string
  /** unreadable, vanished: it is not there · changed: it is there, torn. */
  reason: string
}

type OfSource = Pick<Backup, 'source'>

/**
 * How many files are missing or torn; 0 without a record. The record comes from the chat, so it is checked.
 */
export function countMissingFiles({ source }: OfSource): number {
  const count = source?.['skipped_count']
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 0
}

/** Those of them that the record names, 1,000 at most. */
export function missingFiles({ source }: OfSource): MissingFile[] {
  const files: unknown = source?.['skipped']
  return Array.isArray(files) ? files.filter(isMissingFile) : []
}

/** `1 file missing`; undefined when none is. */
export function missingWords(backup: OfSource): string | undefined {
  const reasons = new Set(
    missingFiles(backup).map(({ reason }) => (reason === 'changed' ? 'torn' : 'missing')),
  )
  return wordsOfCount(countMissingFiles(backup), reasons.size === 1 ? [...reasons].join('') : undefined)
}

/** `1 file missing or torn`, where no more than their number is known; undefined for 0. */
export function wordsOfCount(count: number, how: string = 'missing or torn'): string | undefined {
  return count === 0 ? undefined : `${count} ${count === 1 ? 'file' : 'files'} ${how}`
}

/** `complete, 1 file missing`: its state, and what it lacks. */
export function stateWords(backup: Pick<Backup, 'state' | 'source'>): string {
  return withWords(backup.state, missingWords(backup))
}

/** Its id for a sentence, followed by `(complete, 1 file missing)` when files are missing. */
export function shownId(backup: Pick<Backup, 'id' | 'state' | 'source'>): string {
  return shownIdOf(backup.id, backup.state, missingWords(backup))
}

export function shownIdOf(id: string, state: Backup['state'], missing: string | null | undefined): string {
  return missing == null ? id : `${id} (${withWords(state, missing)})`
}

/** `sound, 1 file missing`: the result of something, and what the backup lacks. */
export function withWords(result: string, missing: string | null | undefined): string {
  return missing == null ? result : `${result}, ${missing}`
}

/** The backup with its number of missing files, as it is shown outside. */
export function withMissingCount<Shown extends OfSource>(backup: Shown): Shown & { missing_files: number } {
  return { ...backup, missing_files: countMissingFiles(backup) }
}

export function withMissingFiles<Shown extends OfSource>(
  backup: Shown,
): Shown & { missing_files: number; missing: MissingFile[] } {
  return { ...withMissingCount(backup), missing: missingFiles(backup) }
}

function isMissingFile(value: unknown): value is MissingFile {
  const { path, reason } = (value ?? {}) as Record<string, unknown>
  return typeof path === 'string' && typeof reason === 'string'
}
