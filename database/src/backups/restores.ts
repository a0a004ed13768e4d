import { sql, type Transaction } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { getBackupById } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkUuid, storable } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'
import type { JsonObject, Restore } from '#jobs/types.backup.ts'
import { claimLease } from '#leases/lease-rows.ts'

/** How a restore ended: with so many plain bytes in the target, or why it failed. */
export type RestoreOutcome = { bytes: number } | { error: string }

/**
 * Records that a restore begins. `target` is shown to people and must hold no secret. With an `id`, the
 * caller can take the lease first, so that the restore never looks abandoned. CatalogError INVALID, or
 * NOT_FOUND for an unknown backup.
 */
export async function beginRestore(
  database: Database,
  restore: { id?: string | undefined; backupId: string; target: string },
): Promise<Restore> {
  if (restore.id !== undefined) checkUuid('restore id', restore.id)
  checkUuid('backup id', restore.backupId)
  checkText('target', restore.target)
  const { kysely, actor } = database
  const backup = await getBackupById(database, restore.backupId)
  if (!backup) throw new CatalogError(`There is no backup ${restore.backupId}`, { code: 'NOT_FOUND' })
  return await inTransaction(kysely, async trx => {
    const begun = await trx
      .insertInto('restores')
      .values({ id: restore.id, backup_id: backup.id, target: storable(restore.target), actor })
      .returningAll()
      .executeTakeFirstOrThrow()
    const details = { restore_id: begun.id, target: begun.target }
    await addToAudit(trx, { actor, act: 'backup.restore', backupId: backup.id, details })
    return begun
  })
}

/**
 * Ends a running restore, in one transaction with its event in the history (`restored` or `restore failed`)
 * and, for a success, the backup's `restore_count`. CatalogError NOT_FOUND, or CONFLICT when it has ended
 * already.
 */
export async function finishRestore(
  database: Database,
  restoreId: string,
  outcome: RestoreOutcome,
): Promise<Restore> {
  checkUuid('restore id', restoreId)
  const isDone = 'bytes' in outcome
  if (isDone) checkCount('bytes', outcome.bytes)
  return await inTransaction(database.kysely, async trx => {
    await lockRunning(trx, restoreId)
    const end = isDone
      ? { state: 'done' as const, bytes: outcome.bytes }
      : { state: 'failed' as const, error: storable(outcome.error) }
    const restore = await trx
      .updateTable('restores')
      .set({ ...end, finished_at: sql<Date>`now()` })
      .where('id', '=', restoreId)
      .returningAll()
      .executeTakeFirstOrThrow()
    if (isDone) {
      await trx
        .updateTable('backups')
        .set(({ eb }) => ({ restore_count: eb('restore_count', '+', 1) }))
        .where('id', '=', restore.backup_id)
        .execute()
    }
    const { id, backup_id, target, bytes, error } = restore
    const details: JsonObject = { restore_id: id, target, ...(isDone ? { bytes } : { error }) }
    const event = isDone ? 'restored' : 'restore failed'
    await addToHistory(trx, { backupId: backup_id, event, actor: database.actor, details })
    return restore
  })
}

/**
 * Marks a restore whose run died as failed; `error` is for people. False when it has already ended, or
 * another process works on it.
 */
export async function failAbandonedRestore(
  database: Database,
  restoreId: string,
  error: string,
): Promise<boolean> {
  checkUuid('restore id', restoreId)
  return await inTransaction(database.kysely, async trx => {
    if ((await claimLease(trx, { subject: restoreId, purpose: 'reconcile' })) === null) return false
    await trx.deleteFrom('leases').where('subject', '=', restoreId).execute()
    const restore = await trx
      .updateTable('restores')
      .set({ state: 'failed', error: storable(error), finished_at: sql<Date>`now()` })
      .where('id', '=', restoreId)
      .where('state', '=', 'running')
      .returningAll()
      .executeTakeFirst()
    if (!restore) return false
    const { id, backup_id: backupId, target } = restore
    const details = { restore_id: id, target, error: restore.error }
    await addToHistory(trx, { backupId, event: 'restore failed', actor: database.actor, details })
    return true
  })
}

async function lockRunning(trx: Transaction<CatalogSchema>, id: string): Promise<void> {
  const restore = await trx
    .selectFrom('restores')
    .select('state')
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
  if (!restore) throw new CatalogError(`There is no restore ${id}`, { code: 'NOT_FOUND' })
  if (restore.state !== 'running')
    throw new CatalogError(`The restore is ${restore.state} already`, { code: 'CONFLICT' })
}
