import { type Database, getBackupById, listMessages, markErasing } from '@telegram-backup/database'
import { type Erasure, eraseTogether } from '#erase/erase-together.ts'
import { type ErasedMessage, reportedMessage } from '#session/report.ts'
import type { VaultSession } from '#session/session.ts'

/**
 * Erases a backup in its chats, then in the catalog. Resumes an interrupted erase; for an erased backup the
 * answer repeats the outcome. Throws `LAST_BACKUP` unless `evenTheLast`, `BUSY` while another process works
 * on it, `NOT_FOUND`, and `CONFLICT` for a backup that is being sent, or pinned.
 */
export async function eraseBackup(
  session: VaultSession,
  { backupId, evenTheLast }: { backupId: string; evenTheLast: boolean },
): Promise<Erasure> {
  const { database } = session
  if (await isErased(database, backupId)) return await earlierErasure(database, backupId)
  const lease = await markErasing(database, { backupId, evenTheLast }).catch(async (error: unknown) => {
    // Another process has just erased it.
    if (await isErased(database, backupId)) return undefined
    throw error
  }) // E1
  if (lease === undefined) return await earlierErasure(database, backupId)
  try {
    const end = (await eraseTogether(session, [{ backupId, lease }])).get(backupId)
    if (end === undefined) throw new Error(`Nothing became of backup ${backupId}`)
    if ('failure' in end) throw end.failure
    return end
  } finally {
    await lease.release()
  }
}

async function isErased(database: Database, backupId: string): Promise<boolean> {
  return (await getBackupById(database, backupId))?.state === 'erased'
}

/** The outcome as the catalog has it. */
async function earlierErasure(database: Database, backupId: string): Promise<Erasure> {
  const rows = await listMessages(database, backupId)
  const messages = rows.flatMap((row): ErasedMessage[] => {
    if (row.message_id === null) return []
    const { state, error } = row
    const message = reportedMessage(backupId, row)
    if (state === 'erased' || state === 'tombstone') return [{ ...message, outcome: state }]
    return [{ ...message, outcome: 'unreachable', reason: error ?? undefined }]
  })
  return { isErased: true, messages }
}
