import type { Backup } from '@telegram-backup/database'
import type { TellStage } from '#jobs/job-stages.ts'
import { count, formatBytes, formatSpan } from '#units/human-units.ts'

/** The numbers of a complete backup, for the log of the job that made it. */
export function tellOfBackup(backup: Backup, tell: TellStage): void {
  const { id, size, archive_size, part_count, created_at, completed_at } = backup
  const seconds = ((completed_at ?? created_at).getTime() - created_at.getTime()) / 1_000
  if (size === 0) tell('read', 'The source was empty, 0 bytes', 'warn')
  tell(
    'send',
    `Sent ${count(part_count ?? 0, 'part')}: ${formatBytes(size)}, ${formatBytes(archive_size ?? 0)} in the chat, in ${formatSpan(seconds)}`,
  )
  tell('record', `Backup ${id} is complete`)
}
