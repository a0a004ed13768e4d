import type { SourceFacts } from '@telegram-backup/database'
import { withWords, wordsOfCount } from '@telegram-backup/database/missing-files'

/** Details of a notice about the last complete backup, which a person may have to rely on. */
export type LastCompleteDetails = {
  /** ISO 8601; null without one. */
  last_complete_at: string | null
  /** Files that are missing or torn in it; not in notices of earlier versions. */
  last_complete_missing_files: number | null
}

export function lastCompleteDetails({ last_complete: last }: SourceFacts): LastCompleteDetails {
  return {
    last_complete_at: last?.created_at.toISOString() ?? null,
    last_complete_missing_files: last?.missing_files ?? null,
  }
}

/** `2026-01-01T03:15:00.000Z, 1 file missing or torn`, or `never`. */
export function lastCompleteWords(details: Readonly<Record<string, string | number | null>>): string {
  const { last_complete_at: at, last_complete_missing_files: missing } = details
  return withWords(String(at ?? 'never'), wordsOfCount(Number(missing ?? 0)))
}
