import { type Kysely, sql, type Transaction } from 'kysely'
import {
  checkCount,
  checkProjectId,
  checkText,
  checkTime,
  checkType,
  checkUuid,
  storable,
} from '#backups/input-checks.ts'
import { ensureProject } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { Backup, BackupType, JsonObject } from '#jobs/types.backup.ts'

// The order of a send: openBackup, then for each message intendPart, send, confirmPart, the manifest last, and
// completeBackup as the commit mark; failBackup whenever something went wrong. A crash in between leaves rows that
// say what may be in the chat.

/** What is going to be sent. */
export interface BackupIntent {
  backupId: string
  projectId: string
  type: BackupType
  filename: string
  caption?: string
  chatId: string
  botId?: string
  encrypted: boolean
  createdAt?: Date
  expiresAt?: Date
  source?: JsonObject
  scheduledFor?: Date
}

/** What the chat has to hold when a backup is complete. Sizes are bytes, hashes SHA-256 in hex. */
export interface Completion {
  backupId: string
  size: number
  archiveSize: number
  plainSha256: string
  archiveSha256: string
  partCount: number
  source?: JsonObject
}

/** What a backup that begins must know of the catalog. */
export interface OpenedBackup {
  catalogId: string
  generation: number
  previousManifestMessageId?: number
  /** How long ago, in milliseconds, messages were sent to the chat in the last minute: Telegram counts them. */
  recentAgesMs: number[]
}

/**
 * Writes down that a backup begins. Returns what its messages must name: the catalog, its generation, and the
 * manifest of the newest complete backup in that chat; and what was sent to that chat just before.
 * CatalogError INVALID, or CONFLICT when the id exists.
 */
export async function openBackup(database: Database, intent: BackupIntent): Promise<OpenedBackup> {
  checkUuid('backup id', intent.backupId)
  checkProjectId(intent.projectId)
  checkType(intent.type)
  checkText('filename', intent.filename)
  checkText('chat id', intent.chatId)
  if (intent.createdAt !== undefined) checkTime('createdAt', intent.createdAt)
  if (intent.expiresAt !== undefined) checkTime('expiresAt', intent.expiresAt)
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, intent.projectId)
    await trx
      .insertInto('backups')
      .values({
        id: intent.backupId,
        project_id: intent.projectId,
        type: intent.type,
        state: 'sending',
        filename: intent.filename,
        caption: intent.caption ?? null,
        chat_id: intent.chatId,
        bot_id: intent.botId ?? null,
        encrypted: intent.encrypted,
        created_at: intent.createdAt,
        expires_at: intent.expiresAt,
        source: intent.source ? JSON.stringify(intent.source) : null,
        scheduled_for: intent.scheduledFor ?? null,
      })
      .execute()
    await addToHistory(trx, { backupId: intent.backupId, event: 'sending', actor: database.actor })
    const catalog = await trx.selectFrom('catalog').select(['id', 'generation']).executeTakeFirstOrThrow()
    const previous = await newestManifest(trx, intent.chatId)
    return {
      catalogId: catalog.id,
      generation: catalog.generation,
      ...(previous !== undefined && { previousManifestMessageId: previous }),
      recentAgesMs: await recentAges(trx, intent.chatId),
    }
  })
}

/**
 * Telegram's times are whole seconds of another clock, hence two seconds of grace. Of a message under way nobody knows when
 * it will count: it counts as sent now.
 */
async function recentAges(kysely: Kysely<CatalogSchema>, chatId: string): Promise<number[]> {
  const age = sql<number>`greatest(0, extract(epoch from clock_timestamp() - sent_at) * 1000 - 2000)::float8`
  const rows = await kysely
    .selectFrom('backup_parts')
    .select(age.as('age'))
    .where('chat_id', '=', chatId)
    .where(sql<boolean>`coalesce(sent_at, intended_at) > clock_timestamp() - interval '62 seconds'`)
    .execute()
  return rows.map(row => row.age ?? 0)
}

async function newestManifest(kysely: Kysely<CatalogSchema>, chatId: string): Promise<number | undefined> {
  const row = await kysely
    .selectFrom('backup_parts as manifest')
    .innerJoin('backups', 'backups.id', 'manifest.backup_id')
    .select('manifest.message_id')
    .where('manifest.chat_id', '=', chatId)
    .where('manifest.kind', '=', 'manifest')
    .where('manifest.state', '=', 'sent')
    .where('backups.state', '=', 'complete')
    .orderBy('backups.completed_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.message_id ?? undefined
}

/**
 * The commit mark: in one transaction, checks that parts 1 to n and the manifest are proven to be in the backup's
 * chat and that their sizes add up, and makes the backup complete. CatalogError CONFLICT when something is
 * missing or the backup is not being sent, NOT_FOUND for an unknown one.
 */
export async function completeBackup(database: Database, completion: Completion): Promise<Backup> {
  const { backupId } = completion
  checkUuid('backup id', backupId)
  checkCount('size', completion.size)
  checkCount('archiveSize', completion.archiveSize)
  checkCount('partCount', completion.partCount, 1)
  return await inTransaction(database.kysely, async trx => {
    const { chat_id } = await lockWhileSending(trx, backupId)
    const fileId = await proveParts(trx, completion, chat_id ?? '')
    const backup = await trx
      .updateTable('backups')
      .set({
        state: 'complete',
        file_id: fileId,
        size: completion.size,
        archive_size: completion.archiveSize,
        plain_sha256: completion.plainSha256,
        archive_sha256: completion.archiveSha256,
        part_count: completion.partCount,
        ...(completion.source && { source: JSON.stringify(completion.source) }),
        error: null,
        completed_at: sql<Date>`now()`,
      })
      .where('id', '=', backupId)
      .returningAll()
      .executeTakeFirstOrThrow()
    await addToHistory(trx, { backupId, event: 'complete', actor: database.actor })
    return backup
  })
}

/** Returns the file id of the first part. */
async function proveParts(
  trx: Transaction<CatalogSchema>,
  completion: Completion,
  chatId: string,
): Promise<string> {
  const messages = await trx
    .selectFrom('backup_parts')
    .selectAll()
    .where('backup_id', '=', completion.backupId)
    .where('chat_id', '=', chatId)
    .orderBy('part_no')
    .forUpdate()
    .execute()
  const incomplete = (reason: string) => new CatalogError('CONFLICT', `The backup is not complete: ${reason}`)
  const unproven = messages.find(({ state }) => state !== 'sent')
  if (unproven) throw incomplete(`${unproven.kind} ${unproven.part_no} is ${unproven.state}`)
  const parts = messages.filter(({ kind }) => kind === 'part')
  if (parts.length === messages.length) throw incomplete('its manifest was not sent')
  if (parts.length !== completion.partCount)
    throw incomplete(`${parts.length} parts of ${completion.partCount} were sent`)
  const gap = parts.findIndex(({ part_no }, index) => part_no !== index + 1)
  if (gap >= 0) throw incomplete(`part ${gap + 1} was not sent`)
  const archiveSize = parts.reduce((sum, { size }) => sum + size, 0)
  if (archiveSize !== completion.archiveSize) {
    throw incomplete(`its parts have ${archiveSize} bytes, not ${completion.archiveSize}`)
  }
  let plainEnd = 0
  for (const { part_no, plain_offset, plain_size } of parts) {
    if (plain_offset === null || plain_size === null) continue
    if (plain_offset !== plainEnd)
      throw incomplete(`part ${part_no} begins at plain byte ${plain_offset}, not ${plainEnd}`)
    plainEnd += plain_size
  }
  const measured = parts.every(({ plain_offset, plain_size }) => plain_offset !== null && plain_size !== null)
  if (measured && plainEnd !== completion.size)
    throw incomplete(`its parts hold ${plainEnd} plain bytes, not ${completion.size}`)
  const first = parts[0]?.file_id
  if (!first) throw incomplete('part 1 has no file id')
  return first
}

/**
 * Writes down that a send failed and why; the rows of its parts stay, for they may be in the chat. CatalogError
 * CONFLICT when the backup is not being sent, NOT_FOUND for an unknown one.
 */
export async function failBackup(
  database: Database,
  failure: { backupId: string; error: string },
): Promise<void> {
  const { backupId } = failure
  const error = storable(failure.error)
  checkUuid('backup id', backupId)
  await inTransaction(database.kysely, async trx => {
    await lockWhileSending(trx, backupId)
    await trx.updateTable('backups').set({ state: 'failed', error }).where('id', '=', backupId).execute()
    await addToHistory(trx, { backupId, event: 'failed', actor: database.actor, details: { error } })
  })
}

async function lockWhileSending(
  trx: Transaction<CatalogSchema>,
  backupId: string,
): Promise<{ chat_id: string | null }> {
  const backup = await trx
    .selectFrom('backups')
    .select(['state', 'chat_id'])
    .where('id', '=', backupId)
    .forUpdate()
    .executeTakeFirst()
  if (!backup) throw new CatalogError('NOT_FOUND', `There is no backup ${backupId}`)
  if (backup.state !== 'sending')
    throw new CatalogError('CONFLICT', `The backup is ${backup.state}, it is not being sent`)
  return backup
}
