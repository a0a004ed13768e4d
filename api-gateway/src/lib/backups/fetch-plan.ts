import type { BackupDetails } from '@telegram-backup/database'
import type { PartToFetch } from 'telegram-deployment-bot'
import { BackupError } from '#lib/backups/backup-error.ts'

/** Which parts make a backup, as the catalog has them. */
export interface FetchPlan {
  backupId: string
  encrypted: boolean
  /** In order. */
  parts: PartToFetch[]
}

/**
 * What to fetch. Throws `NOT_FOUND` for a backup that is not whole in the chat (failed, erased, still under way), and
 * `INTEGRITY` when the catalog itself lacks a part.
 */
export function planFetch(backup: BackupDetails): FetchPlan {
  if (backup.state !== 'complete') {
    throw new BackupError(`Backup ${backup.id} is ${backup.state}; there is nothing whole to fetch`, {
      code: 'NOT_FOUND',
      hint: 'telegram-backup list --state complete shows those that can be fetched.',
    })
  }
  const inOwnChat = backup.parts.filter(part => part.chat_id === backup.chat_id)
  const parts = inOwnChat.flatMap(({ part_no, file_id, size, sha256, state }) =>
    file_id === null || state === 'erased' || state === 'tombstone'
      ? []
      : [{ number: part_no, fileId: file_id, size, sha256 }],
  )
  const known = new Set(parts.map(part => part.number))
  for (let number = 1; number <= Math.max(backup.part_count ?? 0, 1); number++) {
    if (known.has(number)) continue
    throw new BackupError(`The catalog does not know part ${number} of backup ${backup.id}`, {
      code: backup.parts.length === 0 ? 'NOT_FOUND' : 'INTEGRITY',
      hint:
        backup.parts.length === 0
          ? 'It was recorded by its first file id alone, by a telegram service of another make.'
          : 'It was erased, or its row is lost.',
    })
  }
  return { backupId: backup.id, encrypted: backup.encrypted !== false, parts }
}
