import { type Restore, settleRestore } from '@telegram-backup/database'
import type { VaultSession } from '#session/session.ts'

const UNTOLD =
  'The process that restored it ended early. The target may hold the backup, or be as it was before: look at it'

/** R6: a restore whose process is gone has failed, as far as anyone can know. Undefined while somebody works on it. */
export async function failAbandonedRestore(
  { database, report }: VaultSession,
  { id, backup_id, target }: Restore,
): Promise<'settled' | undefined> {
  if (!(await settleRestore(database, id, UNTOLD))) return undefined
  report.restores.push({ restore_id: id, backup_id, reason: `${UNTOLD}: ${target}` })
  return 'settled'
}
