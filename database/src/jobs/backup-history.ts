import type { Kysely } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { isUuid } from '#input-checks.ts'
import type { BackupHistoryEntry, JsonObject } from '#jobs/types.backup.ts'

/** Adds an event to a backup's history; `kysely` may be the transaction of the event. */
export async function addToHistory(
  kysely: Kysely<CatalogSchema>,
  entry: { backupId: string; event: string; actor: string; details?: JsonObject },
): Promise<void> {
  await kysely
    .insertInto('backup_history')
    .values({
      backup_id: entry.backupId,
      event: entry.event,
      actor: entry.actor,
      details: JSON.stringify(entry.details ?? {}),
    })
    .execute()
}

/** What happened to a backup, oldest first; empty for an unknown id or one that is no UUID. */
export async function listHistory(database: Database, backupId: string): Promise<BackupHistoryEntry[]> {
  if (!isUuid(backupId)) return []
  return await database.kysely
    .selectFrom('backup_history')
    .select(['event', 'at', 'actor', 'details'])
    .where('backup_id', '=', backupId)
    .orderBy('id')
    .execute()
}
