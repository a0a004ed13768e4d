import { BackupError } from '@telegram-backup/errors'
import { z } from 'zod'
import { parseSpanMs } from '#units/quantities.ts'

/** `retention:` of telegram-backup.yaml, as a person writes it. */
export interface RetentionEntries {
  notice?: string | undefined
}

const AMOUNT = z.union(
  [z.string('write text'), z.number().transform(String)],
  'write a number and a unit, such as 24h',
)

export const RETENTION_ENTRIES: z.ZodType<RetentionEntries> = z.strictObject({
  notice: AMOUNT.refine(isNotice, 'write a time span of at most 90 days, such as 24h').optional(),
})

export interface RetentionSettings {
  /** A backup is erased so long after its announcement, in ms. */
  noticeMs: number
}

const LONGEST_NOTICE_MS = 90 * 86_400_000

function isNotice(notice: string): boolean {
  try {
    readRetentionSettings({ notice })
    return true
  } catch {
    return false
  }
}

/** By default a backup is erased right after its announcement. Throws `CONFIGURATION`. */
export function readRetentionSettings({ notice }: RetentionEntries): RetentionSettings {
  if (notice === undefined) return { noticeMs: 0 }
  try {
    const noticeMs = parseSpanMs(notice)
    if (noticeMs <= LONGEST_NOTICE_MS) return { noticeMs }
  } catch {
    // Reported below.
  }
  throw new BackupError('retention: notice is not a time span of at most 90 days', {
    code: 'CONFIGURATION',
    hint: 'Write a number and a unit: notice: 24h',
  })
}
