import { sql, type Transaction } from 'kysely'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkTime, checkUuid } from '#input-checks.ts'
import { lockBucket } from '#objects/buckets/bucket-writes.ts'

/**
 * Records that a snapshot was stored: notices tell when the newest one is too old. Earlier times change
 * nothing.
 */
export async function noteSnapshot(database: Database, bucketId: string, at: Date): Promise<void> {
  checkTime('time', at)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    await trx
      .updateTable('object_buckets')
      .set({ last_snapshot_at: at })
      .where('id', '=', bucketId)
      .where(({ eb, or }) => or([eb('last_snapshot_at', 'is', null), eb('last_snapshot_at', '<', at)]))
      .execute()
  })
}

/**
 * After a recovery: the newest snapshot of a bucket is the newest one that came back, whatever the index
 * said; it may be older than the packs, or name one that is lost. CatalogError NOT_FOUND.
 */
export async function settleNewestSnapshot(database: Database, bucketId: string): Promise<void> {
  checkUuid('bucket id', bucketId)
  await inTransaction(database.kysely, async trx => {
    await lockBucket(trx, { bucketId, evenRemoved: true })
    await takeNewestSnapshot(trx, bucketId)
  })
}

/** To be called with the bucket locked. What an undelete brought back is as old as its first version. */
export async function takeNewestSnapshot(trx: Transaction<CatalogSchema>, bucketId: string): Promise<void> {
  // Keys are in the order of their bytes, in which `0` comes after `/`.
  await sql`
    update control_plane.object_buckets
       set last_snapshot_at = (
             select max(first.stored_at) from control_plane.objects live
              cross join lateral (
                select min(version.stored_at) as stored_at from control_plane.objects version
                 where version.bucket_id = live.bucket_id and version.key = live.key
                   and version.state <> 'intended') first
              where live.bucket_id = ${bucketId} and live.state = 'live'
                and live.key >= 'snapshots/' and live.key < 'snapshots0')
     where id = ${bucketId} and kind = 'restic'
  `.execute(trx)
}
