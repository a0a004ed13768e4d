import { acquireLease, type Restore, settleRestore } from '@telegram-backup/database'
import type { Settling } from '#settling/settling.ts'

const UNTOLD =
  'The process that restored it ended early. The target may hold the backup, or be as it was before: look at it'

/** R6: a restore whose process is gone has failed, as far as anyone can know. Undefined while somebody works on it. */
export async function settleDeadRestore(
  settling: Settling,
  restore: Restore,
): Promise<'settled' | undefined> {
  const { database, report } = settling
  const lease = await acquireLease(database, { subject: restore.id, purpose: 'reconcile' })
  if (lease === null) return undefined
  try {
    await settleRestore(database, restore.id, UNTOLD)
    report.restores.push({
      restore_id: restore.id,
      backup_id: restore.backup_id,
      reason: `${UNTOLD}: ${restore.target}`,
    })
    return 'settled'
  } finally {
    await lease.release()
  }
}
