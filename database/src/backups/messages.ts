import { storable } from '#backups/input-checks.ts'
import type { PartKey } from '#backups/parts.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import type { BackupPart, PartKind } from '#jobs/types.backup.ts'
import { guardWrite } from '#leases/lease-rows.ts'

/** A message of a backup, of either kind. */
export interface MessageRow extends BackupPart {
  kind: PartKind
}

/** Every message of a backup, in whichever chat: chat by chat, the backup's own first, and in each the manifest first. */
export async function listMessages(database: Database, backupId: string): Promise<MessageRow[]> {
  const rows = await database.kysely
    .selectFrom('backup_parts')
    .innerJoin('backups', 'backups.id', 'backup_parts.backup_id')
    .selectAll('backup_parts')
    .where('backup_parts.backup_id', '=', backupId)
    .orderBy(({ eb, ref }) => eb(ref('backup_parts.chat_id'), 'is distinct from', ref('backups.chat_id')))
    .orderBy('backup_parts.chat_id')
    .orderBy('backup_parts.part_no')
    .execute()
  return rows.map(({ backup_id: _, ...row }) => row)
}

/** Writes down why a message stays as it is: it could be neither deleted nor replaced. CatalogError as of every write. */
export async function notePart(
  database: Database,
  note: PartKey & { error: string; leaseToken?: string | undefined },
): Promise<void> {
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, note.backupId, note.leaseToken)
    await trx
      .updateTable('backup_parts')
      .set({ error: storable(note.error) })
      .where('backup_id', '=', note.backupId)
      .where('chat_id', '=', note.chatId)
      .where('kind', '=', note.kind)
      .where('part_no', '=', note.partNo)
      .execute()
  })
}
