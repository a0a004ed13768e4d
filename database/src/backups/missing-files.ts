import type { Backup } from '#jobs/types.backup.ts'

/** A file of a directory that is not in its backup as it should be, as the send was told to allow. */
export interface MissingFile {
  /** Relative to the directory. */
  path: string
  /** unreadable, vanished: it is not there · changed: it is there, torn. */
  reason: string
}

type OfSource = Pick<Backup, 'source'>

/** How many files are missing or torn; 0 also where nothing is recorded. The record comes from the chat, so nothing in it is believed. */
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
  const count = countMissingFiles(backup)
  if (count === 0) return undefined
  const reasons = new Set(
    missingFiles(backup).map(({ reason }) => (reason === 'changed' ? 'torn' : 'missing')),
  )
  const how = reasons.size === 1 ? [...reasons].join('') : 'missing or torn'
  return `${count} ${count === 1 ? 'file' : 'files'} ${how}`
}

/** The backup with its number of missing files, as it is shown outside. */
export function withMissingCount<Shown extends OfSource>(backup: Shown): Shown & { missing_files: number } {
  return { ...backup, missing_files: countMissingFiles(backup) }
}

/** The same with their names. */
export function withMissingFiles<Shown extends OfSource>(
  backup: Shown,
): Shown & { missing_files: number; missing: MissingFile[] } {
  return { ...withMissingCount(backup), missing: missingFiles(backup) }
}

function isMissingFile(value: unknown): value is MissingFile {
  const { path, reason } = (value ?? {}) as Record<string, unknown>
  return typeof path === 'string' && typeof reason === 'string'
}
