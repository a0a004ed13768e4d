import { hint, run } from '@telegram-backup/errors'
import { type Kysely, sql } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { isUuid } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'

/**
 * Pins or unpins a complete backup; retention leaves pinned ones alone. False for an id that is unknown or
 * not complete.
 */
export async function pinBackup(database: Database, backupId: string, isPinned: boolean): Promise<boolean> {
  if (!isUuid(backupId)) return false
  return await inTransaction(database.kysely, async trx => {
    const { numUpdatedRows } = await trx
      .updateTable('backups')
      .set({ pinned_at: isPinned ? sql<Date>`coalesce(pinned_at, clock_timestamp())` : null })
      .where('id', '=', backupId)
      .where('state', '=', 'complete')
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return false
    const { actor } = database
    await addToHistory(trx, { backupId, event: isPinned ? 'pinned' : 'unpinned', actor })
    await addToAudit(trx, { actor, act: isPinned ? 'backup.pin' : 'backup.unpin', backupId })
    return true
  })
}

/** CatalogError CONFLICT for a pinned backup: it must be unpinned first. */
export async function refusePinned(kysely: Kysely<CatalogSchema>, backupId: string): Promise<void> {
  const pinned = await kysely
    .selectFrom('backups')
    .select('id')
    .where('id', '=', backupId)
    .where('pinned_at', 'is not', null)
    .executeTakeFirst()
  if (pinned === undefined) return
  throw new CatalogError('The backup is pinned', {
    code: 'CONFLICT',
    hint: hint`Take the pin away first: ${run('unpin', backupId.slice(0, 8))}`,
  })
}
