import type { Backup } from '@telegram-backup/database'
import { missingWords } from '@telegram-backup/database/missing-files'

/** A line for the person who gets the backup back, after the words `before`; none when no file is missing. */
export function notWholeLines(backup: Pick<Backup, 'id' | 'source'>, before: string): string[] {
  const words = missingWords(backup)
  if (words === undefined) return []
  const where = `"telegram-backup show ${backup.id}" lists them`
  return [`${before} it is not whole: ${words} from the start; ${where}`]
}
