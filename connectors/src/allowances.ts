import { BackupError } from '@telegram-backup/errors'

/**
 * What may be wrong with single files without failing the backup of a directory, when it is allowed by name:
 * - `unreadable`: no permission to read it; it is left out
 * - `vanished`: it went away between being listed and being read; it is left out
 * - `changed`: it was written to while it was read; it is in the backup, torn
 * - `empty`: nothing at all matched the patterns of a backup of logs, or came by standard input
 */
export const ALLOWANCES = ['unreadable', 'vanished', 'changed', 'empty'] as const
export type Allowance = (typeof ALLOWANCES)[number]

/** A file that is not in the backup as it should be. */
export interface SkippedFile {
  /** Relative to the directory; as `ls -b` writes it where a line could not tell it. */
  path: string
  reason: Exclude<Allowance, 'empty'>
}

/** Reads `unreadable,vanished`. Throws `USAGE` for an unknown word. */
export function parseAllowances(text: string): Allowance[] {
  return text
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
    .map(word => {
      const known = ALLOWANCES.find(allowance => allowance === word)
      if (known !== undefined) return known
      throw new BackupError(`"${word}" is nothing that can be allowed`, {
        code: 'USAGE',
        hint: `Allow any of: ${ALLOWANCES.join(', ')}.`,
      })
    })
}
