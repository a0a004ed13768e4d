import { shownName } from '@telegram-backup/archive/escaped-names'
import type { SourceRecord } from '#recorded-backup.ts'

/** What a record tells a person about a source: where it is, and what the backup holds. */
export interface SourceWords {
  place?: string | undefined
  holds?: string | undefined
  /** What was recorded of its contents, for drills. */
  contents?: string | undefined
}

/** A recorded name, on one line; undefined if there is none. */
export function recordedName(facts: SourceRecord, name: string): string | undefined {
  const value = facts[name]
  return typeof value === 'string' && value !== '' ? shownName(value) : undefined
}

/** `3 files`, from a recorded number; undefined if there is none. */
export function recordedCount(facts: SourceRecord, name: string, noun: string): string | undefined {
  const value = facts[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) return undefined
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`
  return `${value} ${value === 1 ? noun : plural}`
}

/** `3 files, 1 directory`; undefined if nothing is known. */
export function inWords(counts: readonly (string | undefined)[]): string | undefined {
  return counts.filter(words => words !== undefined).join(', ') || undefined
}
