import { getBackupById, hasBegunErasing, listMessages, mayErase } from '@telegram-backup/database'
import { BackupError, hint, run } from '@telegram-backup/errors'
import { lookAtMessage, parseCaption } from 'telegram-deployment-bot'
import type { VaultSession } from '#session/session.ts'

/**
 * Throws `LAST_BACKUP` when a marked backup is the last good one of its project and type and no person
 * approved its erase. If the erase began before it became the last one, the chat decides.
 */
export async function assertMayGo(session: VaultSession, backupId: string): Promise<void> {
  if (await mayErase(session.database, backupId)) return
  if (await isPartlyGone(session, backupId)) return
  throw new BackupError('it is marked for erasure, but it is the last good backup of its project and type', {
    code: 'LAST_BACKUP',
    hint: hint`To erase it: ${run('erase', backupId, { 'even-the-last': true })}`,
  })
}

/** The manifest is erased first: a run may have died between that and the update of its row. */
async function isPartlyGone(session: VaultSession, backupId: string): Promise<boolean> {
  const { database, client, vault, gates, signal } = session
  if (!(await hasBegunErasing(database, backupId))) return false
  const chatId = (await getBackupById(database, backupId))?.chat_id
  const rows = await listMessages(database, backupId)
  const messageId = rows.find(row => row.kind === 'manifest' && row.chat_id === chatId)?.message_id
  if (chatId == null || messageId == null) return false
  if ((await gates.enter(chatId)).chatId !== chatId) return false
  const seen = await lookAtMessage(client, vault, { chatId, messageId, backupId, signal })
  return seen === undefined || parseCaption(seen.caption)?.kind === 'tombstone'
}
