import { finishErase, listMessages, markErasing } from '@telegram-backup/database'
import { eraseMessages } from '#settling/erase-messages.ts'
import { lookForMessages } from '#settling/look-for-messages.ts'
import { refreshIndexes } from '#settling/refresh-indexes.ts'
import type { HeldBackup, Settling } from '#settling/settling.ts'
import type { ErasedMessage } from '#settling/settling-report.ts'

/** What became of a backup that was to be erased. */
export interface Erasure {
  /** False: a message stayed, or an index still names the backup; then it stays `erasing`. */
  isErased: boolean
  messages: ErasedMessage[]
}

/**
 * Erases a backup in its chats, and then in the catalog; one that is being erased already is gone on with. Throws
 * `LAST_BACKUP` unless `evenTheLast`, `BUSY` while somebody else works on it, `NOT_FOUND`, `CONFLICT` for one
 * that is being sent.
 */
export async function eraseBackup(
  settling: Settling,
  { backupId, evenTheLast }: { backupId: string; evenTheLast: boolean },
): Promise<Erasure> {
  const lease = await markErasing(settling.database, { backupId, evenTheLast }) // E1
  try {
    return await finishErasing(settling, { backupId, lease })
  } finally {
    await lease.release()
  }
}

/** E2 to E5, for a backup that is marked. The reference goes last: whoever reads the index meanwhile sees that it goes. */
export async function finishErasing(settling: Settling, held: HeldBackup): Promise<Erasure> {
  const { database, report } = settling
  await lookForMessages(settling, held)
  const chats = new Set((await listMessages(database, held.backupId)).map(row => row.chat_id))
  await refreshIndexes(settling, chats) // E2
  const messages = await eraseMessages(settling, held) // E3
  if (messages.some(({ outcome }) => outcome === 'kept')) return { isErased: false, messages }
  const left = await refreshIndexes(settling, chats) // E4
  for (const { reason, ...of } of left) {
    const words = `the index still names the backup, which is gone otherwise: ${reason}`
    report.pending.push({ ...of, backup_id: held.backupId, reason: words })
  }
  if (left.length > 0) return { isErased: false, messages }
  await finishErase(database, { backupId: held.backupId, leaseToken: held.lease.token }) // E5
  report.erased_backups.push({ backup_id: held.backupId })
  return { isErased: true, messages }
}
