import {
  type Database,
  getBackupById,
  type ImportedMessage,
  importBackup,
  listMessages,
} from '@telegram-backup/database'
import type { OwnSighting } from '#recover/chat-reader.ts'
import { messageSeen } from '#recover/indexed-backups.ts'
import { knownBackup } from '#recover/record-backup.ts'
import type { RecoveredBackup } from '#recover/recovery-report.ts'

/**
 * Records an unfinished copy of a backup in a second chat: parts without the manifest, which is copied last.
 * The catalog knows the backup to be whole in another chat. The oldest message of each matching part becomes
 * part of the copy, and reconcile copies the rest. Undefined when no part matches.
 */
export async function recordBegunCopy(
  database: Database,
  copy: { backupId: string; parts: readonly OwnSighting[]; chatId: string; botId: string },
): Promise<RecoveredBackup | undefined> {
  const { backupId, parts, chatId, botId } = copy
  const held = await getBackupById(database, backupId)
  // Without a believed manifest only captions are known, and any person may write them.
  if (held?.state !== 'complete' || held.recovered_trust === 0 || held.chat_id === chatId) return undefined
  const rows = await listMessages(database, backupId)
  const found = new Map<number, ImportedMessage>()
  for (const sighting of parts.toSorted((a, b) => a.messageId - b.messageId)) {
    const message = messageSeen(sighting, { chatId, botId })
    if (message === undefined || found.has(message.partNumber)) continue
    const { partNumber, sha256, size } = message
    const original = rows.find(
      row => row.chat_id === held.chat_id && row.kind === 'part' && row.part_no === partNumber,
    )
    if (original?.sha256 !== sha256 || original.size !== size) continue
    found.set(partNumber, {
      ...message,
      plainOffset: original.plain_offset ?? undefined,
      plainSize: original.plain_size ?? undefined,
      plainSha256: original.plain_sha256 ?? undefined,
    })
  }
  if (found.size === 0) return undefined
  const outcome = await importBackup(database, {
    ...{ id: backupId, projectId: held.project_id, type: held.type, chatId, createdAt: held.created_at },
    ...{ state: 'complete', trust: held.recovered_trust, messages: [...found.values()] },
  })
  return { ...knownBackup(held, found.size), outcome }
}
