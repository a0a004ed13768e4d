import {
  type Backup,
  type Database,
  listMessages,
  noteErasedElsewhere,
  queryBackups,
} from '@telegram-backup/database'
import {
  type CallOptions,
  lookAtMessage,
  parseCaption,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'

/**
 * The old catalog of a restored machine knows backups that were erased since. For each complete backup that
 * the believed index does not name, this looks at its manifest: if that is gone or a tombstone, the backup
 * becomes erased. Returns those whose own chat it is.
 */
export async function noteErasedBackups(
  of: CallOptions & { client: TelegramClient; vault: VaultLedger; database: Database; chatId: string },
  indexed: ReadonlySet<string>,
): Promise<Backup[]> {
  const { client, vault, database, chatId, ...on } = of
  const { data } = await queryBackups(database, { state: 'complete' })
  const erased: Backup[] = []
  for (const backup of data) {
    if (indexed.has(backup.id)) continue
    const rows = await listMessages(database, backup.id)
    const manifest = rows.find(row => row.kind === 'manifest' && row.chat_id === chatId)
    if (manifest?.message_id == null) continue
    const seen = await lookAtMessage(client, vault, { chatId, messageId: manifest.message_id, ...on })
    if (seen !== undefined && parseCaption(seen.caption)?.kind !== 'tombstone') continue
    await noteErasedElsewhere(database, { backupId: backup.id, chatId })
    // A copy in a second chat is not reported: the backup's own chat decides.
    if (backup.chat_id === chatId) erased.push(backup)
  }
  return erased
}
