import { sql } from 'kysely'
import { checkUuid, storable } from '#backups/input-checks.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { addToHistory } from '#jobs/backup-history.ts'

/**
 * Writes down that a complete backup was found damaged in the chat: `damaged_at`, unless it is known already, and
 * the event `damaged`. False when the backup is unknown, not complete, or known to be damaged.
 */
export async function markDamaged(
  database: Database,
  finding: { backupId: string; error: string; partNo?: number | undefined },
): Promise<boolean> {
  const { backupId, partNo } = finding
  return await setDamage(database, backupId, {
    damaged: true,
    event: 'damaged',
    details: { error: storable(finding.error), ...(partNo === undefined ? {} : { part_no: partNo }) },
  })
}

/**
 * Takes the finding back after every byte was read and was sound; the event is `found sound`. False when nothing was
 * known against the backup.
 */
export async function markSound(database: Database, backupId: string): Promise<boolean> {
  return await setDamage(database, backupId, { damaged: false, event: 'found sound', details: {} })
}

async function setDamage(
  database: Database,
  backupId: string,
  change: { damaged: boolean; event: string; details: { [name: string]: string | number } },
): Promise<boolean> {
  checkUuid('backup id', backupId)
  return await inTransaction(database.kysely, async trx => {
    const changed = await trx
      .updateTable('backups')
      .set({ damaged_at: change.damaged ? sql<Date>`now()` : null })
      .where('id', '=', backupId)
      .where('state', '=', 'complete')
      .where('damaged_at', change.damaged ? 'is' : 'is not', null)
      .executeTakeFirst()
    if (changed.numUpdatedRows === 0n) return false
    await addToHistory(trx, {
      backupId,
      event: change.event,
      actor: database.actor,
      details: change.details,
    })
    return true
  })
}
