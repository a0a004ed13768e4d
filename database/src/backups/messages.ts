import { type Kysely, sql } from 'kysely'
import { checkPartKey, type PartKey, thisPart, whyNot } from '#backups/part-keys.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid, storable } from '#input-checks.ts'
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
 * The newest manifest in the chat with an id below `messageId`, of a backup that is complete or about to be.
 * Null where there is none, and where an open call may have sent one of unknown id. The answer stays true for
 * a message that is in the chat: later messages have greater ids.
 */
export async function manifestBelow(
  database: Database,
  { chatId, messageId }: { chatId: string; messageId: number },
): Promise<number | null> {
  checkText('chat id', chatId)
  checkCount('message id', messageId)
  // In one statement: a call that is proven meanwhile is seen either as open or as a message.
  const { rows } = await sql<{ message_id: number }>`
    select manifest.message_id
      from control_plane.backup_parts manifest join control_plane.backups backup on backup.id = manifest.backup_id
     where manifest.chat_id = ${chatId} and manifest.message_id < ${messageId} and manifest.kind = 'manifest'
       and manifest.state in ('sent', 'damaged') and backup.state in ('sending', 'complete')
       and not exists (
             select from control_plane.open_sends call
              where call.chat_id = ${chatId} and call.purpose = 'manifest'
                and call.after_message_id + 1 < ${messageId})
     order by manifest.message_id desc
     limit 1
  `.execute(database.kysely)
  return rows[0]?.message_id ?? null
}

/**
 * Records what became of a message. Damage also goes into the history of the backup. CatalogError NOT_FOUND
 * for an unknown message, CONFLICT for another state than `erased` after it was erased, LEASE_LOST.
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
        part_no: mark.partNumber,
        message_id: marked.message_id,
        error,
      },
    })
  })
}

/**
 * Records that a message that counted as missing or damaged was read to the last byte and holds what was
 * sent. False when it counted as neither. CatalogError LEASE_LOST.
 */
export async function markPartSound(
  database: Database,
  mark: PartKey & { leaseToken?: string | undefined },
): Promise<boolean> {
  checkPartKey(mark)
  return await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, mark.backupId, mark.leaseToken)
    await lockBackupFirst(trx, mark.backupId)
    const marked = await trx
      .updateTable('backup_parts')
      .set({ state: 'sent', error: null })
      .where(thisPart(mark))
      .where('message_id', 'is not', null)
      .where('file_id', 'is not', null)
      .where('state', 'in', ['missing', 'damaged'])
      .returning('message_id')
      .executeTakeFirst()
    if (!marked) return false
    await addToHistory(trx, {
      backupId: mark.backupId,
      event: `${mark.kind}_found_sound`,
      actor: database.actor,
      details: { chat_id: mark.chatId, part_no: mark.partNumber, message_id: marked.message_id },
    })
    return true
  })
}

/**
 * Records why a message that should go stays in its chat. CatalogError NOT_FOUND for an unknown message,
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
 * Records the file id by which another bot has read the message; it replaces the id before. CatalogError
 * NOT_FOUND for an unknown message, CONFLICT when it was erased.
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
    if (partKey.partNumber !== 1) return
    await trx
      .updateTable('backups')
      .set({ bot_id: botId, file_id: fileId })
      .where('id', '=', partKey.backupId)
      .where('chat_id', '=', partKey.chatId)
      .where('file_id', 'is not', null)
      .execute()
  })
}

/**
 * Every writer of a backup and its messages locks the backup first, so that two writers never wait for each
 * other.
 */
async function lockBackupFirst(trx: Kysely<CatalogSchema>, backupId: string): Promise<void> {
  await trx.selectFrom('backups').select('id').where('id', '=', backupId).forNoKeyUpdate().execute()
}
