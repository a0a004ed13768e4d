import { sql } from 'kysely'
import { ensureProject } from '#backups/records.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkProjectId, checkTime, checkUuid } from '#input-checks.ts'
import { lockBucket, revokeKeys } from '#objects/buckets/bucket-writes.ts'
import {
  bucketOf,
  checkBucketName,
  checkKind,
  checkSettings,
  settingColumns,
} from '#objects/buckets/buckets.ts'
import { addPacks, checkSequence, raiseSequence } from '#objects/imports/imported-packs.ts'
import type {
  ImportedBucket,
  ImportedCheckpoint,
  ImportedPack,
  RefusedImport,
} from '#objects/imports/types.import.ts'
import type { Bucket } from '#objects/types.object.ts'

/**
 * Takes a bucket that a chat names into the catalog; one that is known stays as it is, but for a newer
 * snapshot, for its undelete, and for its removal, which also ends its keys. When another bucket has its
 * name, it gets the beginning of its id behind it. CatalogError INVALID.
 */
export async function importBucket(database: Database, bucket: ImportedBucket): Promise<Bucket> {
  checkUuid('bucket id', bucket.id)
  checkBucketName(bucket.name)
  checkKind(bucket.kind)
  checkProjectId(bucket.projectId)
  checkSettings(bucket)
  for (const time of [bucket.createdAt, bucket.lastSnapshotAt, bucket.removedAt, bucket.undeletingTo]) {
    if (time != null) checkTime('time', time)
  }
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, bucket.projectId)
    const isTaken = await trx
      .selectFrom('object_buckets')
      .select('id')
      .where('name', '=', bucket.name)
      .where('id', '<>', bucket.id)
      .where('removed_at', 'is', null)
      .executeTakeFirst()
    const last = bucket.lastSnapshotAt ?? null
    const row = await trx
      .insertInto('object_buckets')
      .values({
        id: bucket.id,
        name: isTaken === undefined ? bucket.name : `${bucket.name.slice(0, 54)}-${bucket.id.slice(0, 8)}`,
        kind: bucket.kind,
        project_id: bucket.projectId,
        ...settingColumns(bucket),
        created_at: bucket.createdAt,
        last_snapshot_at: last,
        removed_at: bucket.removedAt ?? null,
        undeleting_to: bucket.undeletingTo ?? null,
      })
      .onConflict(conflict =>
        conflict.column('id').doUpdateSet({
          last_snapshot_at: sql<Date>`greatest(object_buckets.last_snapshot_at, excluded.last_snapshot_at)`,
          ...(bucket.undeletingTo !== undefined && {
            undeleting_to: bucket.undeletingTo,
            undeleted_at: null,
          }),
          removed_at: sql<Date>`coalesce(object_buckets.removed_at, excluded.removed_at)`,
        }),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
    if (row.removed_at !== null) await revokeKeys(trx, bucket.id)
    // What was deleted earlier may be gone for good: the chat does not say. But nothing is purged during an
    // undelete.
    await sql`
      update control_plane.object_buckets
         set purged_through = coalesce(purged_through,
               least(undeleting_to, clock_timestamp() - undelete_ms * interval '1 millisecond'))
       where id = ${bucket.id} and not exists (select from control_plane.packs where bucket_id = ${bucket.id})
    `.execute(trx)
    return bucketOf(row)
  })
}

/**
 * Takes a whole checkpoint, before its parts; the one that covers most counts. CatalogError INVALID,
 * NOT_FOUND.
 */
export async function importCheckpoint(
  database: Database,
  { bucketId, checkpoint }: { bucketId: string; checkpoint: ImportedCheckpoint },
): Promise<void> {
  checkUuid('bucket id', bucketId)
  checkUuid('checkpoint id', checkpoint.id)
  checkTime('time', checkpoint.createdAt)
  checkCount('number of parts', checkpoint.partCount, 1)
  checkSequence(checkpoint.coversUpTo, 0)
  for (const sequence of checkpoint.coversNot) checkSequence(sequence)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    const known = await trx
      .selectFrom('object_checkpoints')
      .select(['id', 'covers_up_to'])
      .where('bucket_id', '=', bucketId)
      .where('state', '=', 'sent')
      .executeTakeFirst()
    if (known?.id === checkpoint.id) return
    const counts = known === undefined || known.covers_up_to < checkpoint.coversUpTo
    if (known !== undefined && counts) {
      await trx
        .updateTable('object_checkpoints')
        .set({ state: 'replaced' })
        .where('id', '=', known.id)
        .execute()
    }
    await trx
      .insertInto('object_checkpoints')
      .values({
        id: checkpoint.id,
        bucket_id: bucketId,
        state: counts ? 'sent' : 'replaced',
        covers_up_to: checkpoint.coversUpTo,
        covers_not: [...checkpoint.coversNot],
        part_count: checkpoint.partCount,
        created_at: checkpoint.createdAt,
        sent_at: checkpoint.createdAt,
      })
      .onConflict(conflict => conflict.column('id').doNothing())
      .execute()
    await raiseSequence(trx, bucketId, checkpoint.coversUpTo)
  })
}

/**
 * Takes packs that are in chats; known ones only get messages that they lack. May be repeated. Returns those
 * that are impossible: of another bucket, with the number of another pack, with bad values. CatalogError
 * NOT_FOUND.
 */
export async function importPacks(
  database: Database,
  { bucketId, packs }: { bucketId: string; packs: readonly ImportedPack[] },
): Promise<RefusedImport[]> {
  checkUuid('bucket id', bucketId)
  return await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    return (await addPacks(trx, bucketId, packs)).refused
  })
}
