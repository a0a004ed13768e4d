import { type Insertable, sql, type Transaction } from 'kysely'
import { groupColumns } from '#backups/groups.ts'
import type { ImportedBackup, ImportedMessage } from '#backups/imports-types.ts'
import { keyColumnsOf } from '#backups/part-keys.ts'
import { ensureProject, knowRetention } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { raiseNewest } from '#chats/chats.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import {
  checkCount,
  checkedTags,
  checkProjectId,
  checkText,
  checkTime,
  checkType,
  checkUuid,
  storable,
} from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { JsonObject } from '#jobs/types.backup.ts'

export type ImportOutcome = 'added' | 'known' | 'merged' | 'bettered'

/**
 * Takes a backup that was found in a chat into the catalog, in one transaction.
 * - `added`: the catalog did not know it.
 * - `known`: the catalog knows it, and nothing changes.
 * - `merged`: a known backup gets the messages and file ids that it lacks. It gets no parts beyond its number
 *   of parts, and nothing from a `failed` one, of which only captions tell, unless it is failed itself.
 * - `bettered`: the catalog knew it from a chat alone and with less trust, and the imported facts replace it.
 * CatalogError INVALID for a bad value, and for a complete backup without any file id.
 */
export async function importBackup(database: Database, backup: ImportedBackup): Promise<ImportOutcome> {
  checkImported(backup)
  const columns = columnsOf(backup)
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, backup.projectId)
    const added = await trx
      .insertInto('backups')
      .values(columns)
      .onConflict(conflict => conflict.column('id').doNothing())
      .returning('id')
      .executeTakeFirst()
    const bettered = !added && (await betterBackup(trx, backup, columns))
    const wanted = added || bettered ? backup.messages : await wantedMessages(trx, backup)
    const learned = await addMessages(trx, backup, wanted)
    if (added || bettered || learned > 0) {
      const found = { messages: learned, history: (backup.history ?? []).map(event => ({ ...event })) }
      const details: JsonObject = added || bettered ? found : { messages: learned }
      await addToHistory(trx, {
        backupId: backup.id,
        event: backup.event ?? 'recovered',
        actor: database.actor,
        details,
      })
    }
    for (const [chatId, messageId] of newestIds(backup)) await raiseNewest(trx, chatId, messageId)
    if (added) return 'added'
    if (bettered) return 'bettered'
    return learned > 0 ? 'merged' : 'known'
  })
}

/**
 * Replaces all facts of a backup that the catalog knows from a chat with less trust. The rows of its messages
 * are removed, and the import adds them again.
 */
async function betterBackup(
  trx: Transaction<CatalogSchema>,
  { id, trust, isUnindexed = false }: ImportedBackup,
  columns: Insertable<CatalogSchema['backups']>,
): Promise<boolean> {
  if (trust === null) return false
  const { id: _, ...facts } = columns
  await knowRetention(trx)
  const bettered = await trx
    .updateTable('backups')
    // An older index does not remove a pin that a person set here.
    .set({ ...(isUnindexed ? withoutIndex(facts) : facts), pinned_at: facts.pinned_at ?? undefined })
    .where('id', '=', id)
    .where('recovered_trust', '<', trust)
    .where('state', '<>', 'erased')
    .returning('id')
    .executeTakeFirst()
  if (!bettered) return false
  await trx.deleteFrom('backup_parts').where('backup_id', '=', id).execute()
  return true
}

/**
 * Only an index knows schedules and choices. A manifest does not, so it does not undo them. It knows source
 * and tags as they were when it was sent, which an index may know better.
 */
function withoutIndex(facts: Omit<Insertable<CatalogSchema['backups']>, 'id'>) {
  const { restore_count, schedule_id, scheduled_for, expiry_given, verified_at, ...rest } = facts
  const { source_name, tags, ...told } = rest
  const { expires_at } = told
  // A chosen time may be later than the manifest's; the backup is not erased sooner.
  const chosen = sql<Date>`case when expiry_given then greatest(expires_at, ${expires_at}) else ${expires_at} end`
  return {
    ...told,
    ...(expires_at !== undefined && { expires_at: chosen }),
    ...(source_name != null && { source_name: sql<string>`coalesce(source_name, ${source_name})` }),
    ...(tags !== undefined &&
      tags.length > 0 && { tags: sql<string[]>`case when tags = '{}' then ${tags}::text[] else tags end` }),
  }
}

async function wantedMessages(
  trx: Transaction<CatalogSchema>,
  { id, state, messages }: ImportedBackup,
): Promise<readonly ImportedMessage[]> {
  const known = await trx
    .selectFrom('backups')
    .select(['state', 'part_count'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (state === 'failed' && known?.state !== 'failed') return []
  const mostParts = known?.part_count ?? Number.POSITIVE_INFINITY
  return messages.filter(message => message.partNumber <= mostParts)
}

// PostgreSQL takes 65,535 parameters in one statement.
const ROWS_AT_ONCE = 1_000

/** Returns how many rows were added or got a missing file id. */
async function addMessages(
  trx: Transaction<CatalogSchema>,
  backup: ImportedBackup,
  wanted: readonly ImportedMessage[],
): Promise<number> {
  let learned = 0
  for (let from = 0; from < wanted.length; from += ROWS_AT_ONCE) {
    const messages = wanted.slice(from, from + ROWS_AT_ONCE)
    const written = await trx
      .insertInto('backup_parts')
      .values(messages.map(message => messageColumns(backup.id, message)))
      .onConflict(conflict =>
        conflict
          .columns(['backup_id', 'chat_id', 'kind', 'part_no'])
          .doUpdateSet(({ ref }) => ({
            file_id: ref('excluded.file_id'),
            file_unique_id: ref('excluded.file_unique_id'),
            bot_id: ref('excluded.bot_id'),
          }))
          .where('backup_parts.file_id', 'is', null)
          .where('excluded.file_id', 'is not', null)
          .whereRef('excluded.message_id', '=', 'backup_parts.message_id'),
      )
      .returning('part_no')
      .execute()
    learned += written.length
  }
  return learned
}

function columnsOf(backup: ImportedBackup): Insertable<CatalogSchema['backups']> {
  const wasComplete = backup.state !== 'failed'
  return {
    id: backup.id,
    project_id: backup.projectId,
    type: backup.type,
    state: backup.state,
    file_id: wasComplete ? fileIdOf(backup) : null,
    filename: backup.filename ?? null,
    caption: backup.caption ?? null,
    chat_id: backup.chatId,
    bot_id: backup.botId ?? null,
    encrypted: backup.encrypted ?? null,
    created_at: backup.createdAt,
    expires_at: backup.expiresAt,
    completed_at: wasComplete ? (backup.completedAt ?? backup.createdAt) : null,
    size: backup.size,
    archive_size: backup.archiveSize ?? null,
    plain_sha256: backup.plainSha256 ?? null,
    archive_sha256: backup.archiveSha256 ?? null,
    part_count: backup.partCount ?? null,
    source: backup.source === undefined ? null : JSON.stringify(backup.source),
    restore_count: backup.restoreCount,
    source_name: backup.sourceName ?? null,
    tags: checkedTags(backup.tags ?? []),
    schedule_id: backup.scheduleId ?? null,
    scheduled_for: backup.scheduledFor ?? null,
    expiry_given: backup.expiryGiven ?? false,
    pinned_at: backup.pinnedAt ?? null,
    verified_at: backup.verifiedAt ?? null,
    damaged_at: backup.damagedAt ?? null,
    signer: backup.signer ?? null,
    recovered_trust: backup.trust,
    ...groupColumns(backup.source),
    error: backup.error === undefined ? null : storable(backup.error),
  }
}

/** The file id of part 1 in the chat of the backup, else of any message: a damaged backup may lack part 1. */
function fileIdOf(backup: ImportedBackup): string | null {
  const inChat = (message: ImportedMessage) => Number(message.chatId === backup.chatId)
  const isPart = (message: ImportedMessage) => Number(message.kind === 'part')
  const found = backup.messages
    .filter(({ fileId }) => fileId !== undefined)
    .toSorted((a, b) => inChat(b) - inChat(a) || isPart(b) - isPart(a) || a.partNumber - b.partNumber)
  const fileId = found[0]?.fileId ?? null
  if (fileId !== null || backup.state !== 'complete') return fileId
  throw new CatalogError('No message of this complete backup is known', {
    code: 'INVALID',
    hint: 'Import it as failed.',
  })
}

function messageColumns(
  backupId: string,
  message: ImportedMessage,
): Insertable<CatalogSchema['backup_parts']> {
  return {
    ...keyColumnsOf({ ...message, backupId }),
    state: message.state,
    message_id: message.messageId ?? null,
    bot_id: message.botId ?? null,
    file_id: message.fileId ?? null,
    file_unique_id: message.fileUniqueId ?? null,
    file_name: message.fileName,
    size: message.size,
    sha256: message.sha256,
    plain_offset: message.plainOffset ?? null,
    plain_size: message.plainSize ?? null,
    plain_sha256: message.plainSha256 ?? null,
    sent_at: message.sentAt ?? null,
    error: message.error === undefined ? null : storable(message.error),
  }
}

function newestIds(backup: ImportedBackup): [chatId: string, messageId: number][] {
  const newest = new Map<string, number>()
  for (const { chatId, messageId = 0 } of backup.messages) {
    newest.set(chatId, Math.max(messageId, newest.get(chatId) ?? 0))
  }
  // All processes use one order, since each of these rows is locked until the transaction ends.
  return [...newest].sort(([a], [b]) => (a < b ? -1 : 1))
}

function checkImported(backup: ImportedBackup): void {
  checkUuid('id', backup.id)
  checkProjectId(backup.projectId)
  checkType(backup.type)
  checkText('chat id', backup.chatId)
  checkTime('createdAt', backup.createdAt)
  for (const time of timesOf(backup)) if (time !== undefined) checkTime('time', time)
  if (backup.sourceName !== undefined) checkText('source', backup.sourceName)
  if (backup.scheduleId !== undefined) checkUuid('schedule id', backup.scheduleId)
  for (const count of [backup.size, backup.archiveSize, backup.partCount, backup.restoreCount]) {
    if (count !== undefined) checkCount('size or count', count)
  }
  for (const message of backup.messages) {
    checkText('chat id', message.chatId)
    checkText('file name', message.fileName)
    checkCount('size', message.size)
    checkCount('part number', message.partNumber)
    if (message.messageId !== undefined) checkCount('message id', message.messageId, 1)
  }
  const keys = new Set(
    backup.messages.map(({ chatId, kind, partNumber }) => `${chatId} ${kind} ${partNumber}`),
  )
  if (keys.size < backup.messages.length) {
    throw new CatalogError('A backup cannot have two messages for one part in one chat', { code: 'INVALID' })
  }
}

function timesOf(backup: ImportedBackup): (Date | undefined)[] {
  const { completedAt, expiresAt, scheduledFor, pinnedAt, verifiedAt, damagedAt } = backup
  return [completedAt, expiresAt, scheduledFor, pinnedAt, verifiedAt, damagedAt]
}
