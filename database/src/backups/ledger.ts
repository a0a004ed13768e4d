import type { Kysely, Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { groupColumns } from '#backups/groups.ts'
import { ensureProject } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { type RecentMessage, recentMessagesIn } from '#chats/recent-messages.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import {
  checkedTags,
  checkProjectId,
  checkText,
  checkTime,
  checkType,
  checkUuid,
  storable,
} from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { Backup, BackupOrigin, BackupType, JsonObject } from '#jobs/types.backup.ts'
import { endingLease, holdLease, type Lease, now } from '#leases/lease.ts'
import { claimLeaseOrRefuse, dropLease, guardWrite } from '#leases/lease-rows.ts'

// The order of a send: openBackup; for each part intendPart, send, confirmPart; sealBackup; the same for the
// manifest; completeBackup as the commit mark. Any failure: failBackup. A crash leaves rows that say what may
// be in the chat, and a lease that expires.

export interface BackupIntent {
  backupId: string
  projectId: string
  type: BackupType
  filename: string
  caption?: string | undefined
  chatId: string
  botId?: string | undefined
  encrypted: boolean
  createdAt?: Date | undefined
  expiresAt?: Date | undefined
  source?: JsonObject | undefined
  origin?: BackupOrigin | undefined
}

export interface OpenedBackup {
  catalogId: string
  generation: number
  /** Of the chat's index, which captions name. */
  indexMessageId: number | undefined
  /** What was sent to the chat in the last minute, by this process too: Telegram counts it. */
  recentMessages: RecentMessage[]
  /** The caller releases it when the run ends without ending the backup. */
  lease: Lease
}

/**
 * Records that a backup begins and takes its lease. Returns what its messages must name (catalog, generation,
 * the chat's index), and the latest messages of that chat. CatalogError INVALID, or CONFLICT when the id
 * exists.
 */
export async function openBackup(database: Database, intent: BackupIntent): Promise<OpenedBackup> {
  checkUuid('backup id', intent.backupId)
  checkProjectId(intent.projectId)
  checkType(intent.type)
  checkText('filename', intent.filename)
  checkText('chat id', intent.chatId)
  if (intent.createdAt !== undefined) checkTime('createdAt', intent.createdAt)
  if (intent.expiresAt !== undefined) checkTime('expiresAt', intent.expiresAt)
  return await opening(database, intent.backupId, async trx => {
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
        scheduled_for: intent.origin?.scheduledFor ?? null,
        source_name: intent.origin?.sourceName ?? null,
        tags: checkedTags(intent.origin?.tags ?? []),
        schedule_id: intent.origin?.scheduleId ?? null,
        expiry_given: intent.expiresAt !== undefined,
        ...groupColumns(intent.source),
      })
      .execute()
    await linkToJob(trx, intent)
    const { backupId, origin } = intent
    await addToHistory(trx, { backupId, event: 'sending', actor: database.actor })
    const details = { source: origin?.sourceName ?? null, job_id: origin?.jobId ?? null }
    await addToAudit(trx, { actor: database.actor, act: 'backup.send', backupId, details })
    const token = await claimLeaseOrRefuse(trx, { subject: intent.backupId, purpose: 'send' })
    return { token, chatId: intent.chatId }
  })
}

/** In the same transaction: a job whose process dies must know its backup. */
async function linkToJob(
  trx: Transaction<CatalogSchema>,
  { backupId, origin }: Pick<BackupIntent, 'backupId' | 'origin'>,
): Promise<void> {
  if (origin?.jobId === undefined) return
  await trx.updateTable('jobs').set({ backup_id: backupId }).where('id', '=', origin.jobId).execute()
}

/**
 * Resumes a failed or abandoned backup; its proven parts stay. CatalogError BUSY while a living process works
 * on it, CONFLICT when it is complete or being erased, NOT_FOUND.
 */
export async function reopenBackup(database: Database, resumed: { backupId: string }): Promise<OpenedBackup> {
  const { backupId } = resumed
  checkUuid('backup id', backupId)
  return await opening(database, backupId, async trx => {
    const token = await claimLeaseOrRefuse(trx, { subject: backupId, purpose: 'send' })
    const backup = await lockBackup(trx, backupId)
    if (backup.state !== 'failed' && backup.state !== 'sending') {
      throw new CatalogError(`The backup is ${backup.state}: it cannot go on`, { code: 'CONFLICT' })
    }
    await trx
      .updateTable('backups')
      .set({ state: 'sending', error: null, resumable: false })
      .where('id', '=', backupId)
      .execute()
    await addToHistory(trx, { backupId, event: 'resumed', actor: database.actor })
    return { token, chatId: backup.chat_id ?? '' }
  })
}

/** `write` takes the lease and returns the chat. */
async function opening(
  database: Database,
  backupId: string,
  write: (trx: Transaction<CatalogSchema>) => Promise<{ token: string; chatId: string }>,
): Promise<OpenedBackup> {
  const since = now()
  const { token, ...opened } = await inTransaction(database.kysely, async trx => {
    const { token, chatId } = await write(trx)
    const catalog = await trx.selectFrom('catalog').select(['id', 'generation']).executeTakeFirstOrThrow()
    return {
      token,
      catalogId: catalog.id,
      generation: catalog.generation,
      indexMessageId: await indexMessageId(trx, chatId),
      recentMessages: await recentMessagesIn(trx, chatId),
    }
  })
  return { ...opened, lease: holdLease(database, backupId, token, since) }
}

async function indexMessageId(kysely: Kysely<CatalogSchema>, chatId: string): Promise<number | undefined> {
  const chat = await kysely
    .selectFrom('chats')
    .select('index_message_id')
    .where('chat_id', '=', chatId)
    .executeTakeFirst()
  return chat?.index_message_id ?? undefined
}

/**
 * Records that a send failed and why, and ends its lease. The rows of its parts stay, for they may be in the
 * chat. `resumable`: the send may continue later. CatalogError CONFLICT when the backup is not being sent,
 * NOT_FOUND, LEASE_LOST.
 */
export async function failBackup(
  database: Database,
  failure: { backupId: string; error: string; leaseToken?: string | undefined; resumable?: boolean },
): Promise<void> {
  const { backupId, leaseToken, resumable = false } = failure
  const error = storable(failure.error)
  checkUuid('backup id', backupId)
  await endingLease(leaseToken, () =>
    inTransaction(database.kysely, async trx => {
      await guardWrite(trx, backupId, leaseToken, { ending: true })
      await lockWhileSending(trx, backupId)
      await trx
        .updateTable('backups')
        .set({ state: 'failed', error, resumable })
        .where('id', '=', backupId)
        .execute()
      // A resumed send makes another manifest with other parts.
      await trx.deleteFrom('sealed_manifests').where('backup_id', '=', backupId).execute()
      const details = { error, ...(resumable && { resumable }) }
      await addToHistory(trx, { backupId, event: 'failed', actor: database.actor, details })
      if (leaseToken !== undefined) await dropLease(trx, backupId, leaseToken)
    }),
  )
}

/**
 * Before the messages of a failed backup are erased: nobody is told any more that its send may continue.
 * Nothing happens to a backup in another state. CatalogError NOT_FOUND, LEASE_LOST.
 */
export async function giveUpResuming(
  database: Database,
  { backupId, leaseToken }: { backupId: string; leaseToken: string },
): Promise<void> {
  checkUuid('backup id', backupId)
  await inTransaction(database.kysely, async trx => {
    await guardWrite(trx, backupId, leaseToken)
    await trx
      .updateTable('backups')
      .set({ resumable: false })
      .where('id', '=', backupId)
      .where('state', '=', 'failed')
      .execute()
  })
}

/** Locks and returns the backup; CatalogError CONFLICT unless it is being sent, NOT_FOUND. */
export async function lockWhileSending(trx: Transaction<CatalogSchema>, backupId: string): Promise<Backup> {
  const backup = await lockBackup(trx, backupId)
  if (backup.state !== 'sending')
    throw new CatalogError(`The backup is ${backup.state}, it is not being sent`, { code: 'CONFLICT' })
  return backup
}

/** Locks and returns the backup; CatalogError NOT_FOUND. */
export async function lockBackup(trx: Transaction<CatalogSchema>, backupId: string): Promise<Backup> {
  const backup = await trx
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', backupId)
    .forUpdate()
    .executeTakeFirst()
  if (!backup) throw new CatalogError(`There is no backup ${backupId}`, { code: 'NOT_FOUND' })
  return backup
}
