import { BackupError } from '@telegram-backup/errors'

/**
 * What may be wrong with files without failing the backup of a directory, when it is allowed by name:
 * - `unreadable`: no permission to read it; it is left out
 * - `vanished`: it was deleted before it was read; it is left out
 * - `changed`: it was written to while it was read; it is in the backup, torn
 * - `empty`: no log file matched the patterns, or standard input had no byte
 */
export const ALLOWANCES = ['unreadable', 'vanished', 'changed', 'empty'] as const
export type Allowance = (typeof ALLOWANCES)[number]

export interface SkippedFile {
  /** Relative to the directory; a name that does not fit into a line is escaped as `ls -b` does. */
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
      throw new BackupError(`"${word}" cannot be allowed`, {
        code: 'USAGE',
        hint: `Allow any of: ${ALLOWANCES.join(', ')}.`,
      })
    })
}
