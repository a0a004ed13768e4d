import { type Kysely, sql } from 'kysely'
import { checkText, checkUuid, storable } from '#backups/input-checks.ts'
import { checkPartKey, type PartKey, thisPart, whyNot } from '#backups/part-keys.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { BackupPart, PartKind, PartState } from '#jobs/types.backup.ts'
import { guardWrite } from '#leases/lease-rows.ts'

/** A message of a backup, part or manifest, in any chat. */
export type MessageRow = BackupPart & { kind: PartKind }

/** All messages of a backup, chat by chat, in each the manifest first. */
export async function listMessages(database: Database, backupId: string): Promise<MessageRow[]> {
  checkUuid('backup id', backupId)
  const rows = await database.kysely
    .selectFrom('backup_parts')
    .selectAll()
    .where('backup_id', '=', backupId)
    .orderBy('chat_id')
    .orderBy('part_no')
    .execute()
  return rows.map(({ backup_id: _, ...message }) => message)
}

/**
 * Writes down what became of a message. Damage goes into the backup's history as well. CatalogError NOT_FOUND for an unknown message, CONFLICT when it has been erased already and
 * is now said to be anything else, LEASE_LOST.
 */
export async function markPart(
  database: Database,
  mark: PartKey & {
    state: Extract<PartState, 'erased' | 'missing' | 'damaged' | 'tombstone'>
    error?: string | undefined
    leaseToken?: string | undefined
  },
): Promise<void> {
  checkPartKey(mark)
  const error = mark.error === undefined ? null : storable(mark.error)
  const gone = mark.state === 'erased' || mark.state === 'tombstone'
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, mark.backupId, mark.leaseToken)
    await lockBackupFirst(trx, mark.backupId)
    const marked = await trx
      .updateTable('backup_parts')
      .set({
        error,
        state: mark.state,
        ...(gone && { erased_at: sql<Date>`now()` }),
      })
      .where(thisPart(mark))
      .where(({ eb, or }) => or([eb('state', '<>', 'erased'), eb.lit(mark.state === 'erased')]))
      .returning('message_id')
      .executeTakeFirst()
    if (!marked) throw await whyNot(trx, mark, `cannot be marked ${mark.state}`)
    if (gone) return
    await addToHistory(trx, {
      backupId: mark.backupId,
      event: `${mark.kind}_${mark.state}`,
      actor: database.actor,
      details: {
        chat_id: mark.chatId,
        part_no: mark.partNo,
        message_id: marked.message_id,
        error,
      },
    })
  })
}

/**
 * Writes down why a message stays as it is, although it should not. CatalogError NOT_FOUND for an unknown message,
 * LEASE_LOST.
 */
export async function notePart(
  database: Database,
  note: PartKey & { error: string; leaseToken?: string | undefined },
): Promise<void> {
  checkPartKey(note)
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, note.backupId, note.leaseToken)
    const noted = await trx
      .updateTable('backup_parts')
      .set({ error: storable(note.error) })
      .where(thisPart(note))
      .returning('part_no')
      .executeTakeFirst()
    if (!noted) throw await whyNot(trx, note, 'cannot be noted')
  })
}

/**
 * Another bot has read the message: its file id counts from now on. CatalogError NOT_FOUND for an unknown message,
 * CONFLICT when it has been erased.
 */
export async function learnFileId(
  database: Database,
  learned: { partKey: PartKey; botId: string; fileId: string; fileUniqueId?: string | undefined },
): Promise<void> {
  const { partKey, botId, fileId } = learned
  checkPartKey(partKey)
  checkText('file id', fileId)
  await inTransaction(database.kysely, async trx => {
    await lockBackupFirst(trx, partKey.backupId)
    const row = await trx
      .updateTable('backup_parts')
      .set({ bot_id: botId, file_id: fileId, file_unique_id: learned.fileUniqueId ?? null })
      .where(thisPart(partKey))
      .where('message_id', 'is not', null)
      .where('state', 'not in', ['erased', 'tombstone'])
      .returning('part_no')
      .executeTakeFirst()
    if (!row) throw await whyNot(trx, partKey, 'cannot be given a file id')
    if (partKey.partNo !== 1) return
    await trx
      .updateTable('backups')
      .set({ bot_id: botId, file_id: fileId })
      .where('id', '=', partKey.backupId)
      .where('chat_id', '=', partKey.chatId)
      .where('file_id', 'is not', null)
      .execute()
  })
}

/** Whoever writes about a backup and its messages locks the backup first, so that two of them never wait for each other. */
async function lockBackupFirst(trx: Kysely<CatalogSchema>, backupId: string): Promise<void> {
  await trx.selectFrom('backups').select('id').where('id', '=', backupId).forNoKeyUpdate().execute()
}
