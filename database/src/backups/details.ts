import { getBackupById } from '#backups/records.ts'
import { listVerifications } from '#backups/verifications.ts'
import type { Database } from '#database.ts'
import { listHistory } from '#jobs/backup-history.ts'
import type { BackupDetails, BackupPart } from '#jobs/types.backup.ts'

const VERIFICATIONS_SHOWN = 20

/** A backup with its messages, history and verifications; null for an unknown id or one that is no UUID. */
export async function getBackupDetails(database: Database, id: string): Promise<BackupDetails | null> {
  const backup = await getBackupById(database, id)
  if (!backup) return null
  const messages = await database.kysely
    .selectFrom('backup_parts')
    .selectAll()
    .where('backup_id', '=', id)
    .orderBy(({ eb, ref }) => eb(ref('chat_id'), '<>', backup.chat_id ?? ''))
    .orderBy('chat_id')
    .orderBy('part_no')
    .execute()
  const manifest = messages.find(({ kind, chat_id }) => kind === 'manifest' && chat_id === backup.chat_id)
  const parts = messages
    .filter(({ kind }) => kind === 'part')
    .map(({ backup_id: _id, kind: _kind, ...part }) => part)
  return {
    ...backup,
    parts,
    manifest: manifest === undefined ? null : manifestOf(manifest),
    history: await listHistory(database, id),
    verifications: await listVerifications(database, id, { limit: VERIFICATIONS_SHOWN }),
  }
}

function manifestOf({ message_id, file_id, bot_id, chat_id, state, size, sha256 }: BackupPart) {
  if (message_id === null || file_id === null) return null
  return { message_id, file_id, bot_id, chat_id, state, size, sha256 }
}
