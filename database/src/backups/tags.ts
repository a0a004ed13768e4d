import { addToAudit } from '#audit/audit.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkedTags, isUuid } from '#input-checks.ts'
import { addToHistory } from '#jobs/backup-history.ts'

/**
 * Adds tags to a complete backup and removes others. Returns its tags, sorted, or null for an id that is
 * unknown or not complete. A tag that is added and removed is removed. CatalogError INVALID for a bad tag,
 * and for more tags than a backup may have.
 */
export async function changeTags(
  database: Database,
  backupId: string,
  { add, remove }: { add: readonly string[]; remove: readonly string[] },
): Promise<string[] | null> {
  const removed = checkedTags(remove)
  checkedTags(add)
  if (!isUuid(backupId)) return null
  return await inTransaction(database.kysely, async trx => {
    const before = await trx
      .selectFrom('backups')
      .select('tags')
      .where('id', '=', backupId)
      .where('state', '=', 'complete')
      .forUpdate()
      .executeTakeFirst()
    if (before === undefined) return null
    const tags = checkedTags([...before.tags, ...add].filter(tag => !removed.includes(tag)))
    if (tags.join() === before.tags.join()) return tags
    await trx.updateTable('backups').set({ tags }).where('id', '=', backupId).execute()
    const { actor } = database
    await addToHistory(trx, { backupId, event: 'tagged', actor, details: { tags } })
    await addToAudit(trx, { actor, act: 'backup.tag', backupId, details: { tags } })
    return tags
  })
}
