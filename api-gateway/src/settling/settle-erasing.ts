import { mayErase } from '@telegram-backup/database'
import { finishErasing } from '#settling/erase-backup.ts'
import type { HeldBackup, Settling } from '#settling/settling.ts'

/** R4: an erase goes on where it ended. One that nobody approved, of the last good backup, does not begin. */
export async function settleErasing(settling: Settling, held: HeldBackup): Promise<void> {
  const { database, report } = settling
  const { backupId } = held
  if (!(await mayErase(database, backupId))) {
    report.kept.push({
      backup_id: backupId,
      code: 'LAST_BACKUP',
      reason: `it is marked to be erased, and is the last good one of its project and type; to erase it: telegram-backup erase ${backupId} --even-the-last`,
    })
    return
  }
  const { messages } = await finishErasing(settling, held)
  for (const { outcome, chat_id, message_id, reason = '' } of messages) {
    if (outcome !== 'kept') continue
    const words = `message ${message_id} could be neither deleted nor replaced: ${reason}`
    report.pending.push({ backup_id: backupId, chat_id, reason: words })
  }
}
