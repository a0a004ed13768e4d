import { sql } from 'kysely'
import { ensureProject } from '#backups/records.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkProjectId, checkTime, checkUuid } from '#input-checks.ts'
import { type BucketSettings, checkBucketName, checkSettings } from '#objects/buckets.ts'
import type { BucketKind } from '#objects/types.object.ts'

/** A bucket as the chat describes it. */
export interface ImportedBucket extends BucketSettings {
  id: string
  name: string
  kind: BucketKind
  projectId: string
  createdAt?: Date | undefined
  lastSnapshotAt?: Date | undefined
  /** It was removed then, and is not to come back. */
  removedAt?: Date | undefined
}

/**
 * Takes a bucket into the catalog. A known one stays as it is, unless it was removed elsewhere. When another bucket has its name, it gets the first
 * digits of its id behind the name. CatalogError INVALID.
 */
export async function importBucket(
  database: Database,
  of: ImportedBucket,
): Promise<{ outcome: 'added' | 'known'; name: string; isRemoved: boolean }> {
  checkUuid('bucket id', of.id)
  checkBucketName(of.name)
  checkProjectId(of.projectId)
  checkSettings(of)
  for (const time of [of.createdAt, of.lastSnapshotAt, of.removedAt])
    if (time !== undefined) checkTime('time', time)
  return await inTransaction(database.kysely, async trx => {
    const known = await trx
      .updateTable('object_buckets')
      .set({ removed_at: sql<Date | null>`coalesce(removed_at, ${of.removedAt ?? null}::timestamptz)` })
      .where('id', '=', of.id)
      .returning(['name', 'removed_at'])
      .executeTakeFirst()
    if (known !== undefined) return { outcome: 'known', name: known.name, isRemoved: known.removed_at !== null }
    await ensureProject(trx, of.projectId)
    const other = await trx
      .selectFrom('object_buckets')
      .select('id')
      .where('name', '=', of.name)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    const name = other === undefined || of.removedAt !== undefined ? of.name : `${of.name.slice(0, 54)}-${of.id.slice(0, 8)}`
    await trx
      .insertInto('object_buckets')
      .values({
        id: of.id,
        name,
        kind: of.kind,
        project_id: of.projectId,
        undelete_ms: of.undeleteMs,
        replica: of.replica,
        max_bytes: of.maxBytes,
        snapshot_limit_hours: of.snapshotLimitHours,
        created_at: of.createdAt ?? sql<Date>`clock_timestamp()`,
        last_snapshot_at: of.lastSnapshotAt ?? null,
        removed_at: of.removedAt ?? null,
      })
      .execute()
    return { outcome: 'added', name, isRemoved: of.removedAt !== undefined }
  })
}
