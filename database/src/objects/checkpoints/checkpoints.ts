import { type Selectable, sql, type Transaction } from 'kysely'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import type { Database } from '#database.ts'
import { checkCount, checkUuid } from '#input-checks.ts'
import { inBucket, type ObjectLease } from '#objects/buckets/bucket-writes.ts'
import type { CheckpointSnapshot } from '#objects/checkpoints/checkpoint-snapshot.ts'
import { withMessages } from '#objects/packs/pack-queries.ts'
import type { Pack } from '#objects/types.object.ts'

/** A table of the objects of a bucket, as packs of its own. */
export interface Checkpoint {
  id: string
  bucket_id: string
  /** It has the records of all packs up to this number but those of `covers_not`. */
  covers_up_to: number
  covers_not: number[]
  /** When its snapshot was taken. */
  created_at: Date
  sent_at: Date | null
  /** Since when the index of every chat names it. */
  indexed_at: Date | null
}

/**
 * Records a checkpoint before its first part is intended. Those of the bucket that were begun before are
 * given up. `lease`: on the id of the bucket. CatalogError CONFLICT for an id that is known, NOT_FOUND,
 * INVALID, BUSY during a recovery, LEASE_LOST.
 */
export async function beginCheckpoint(
  database: Database,
  of: {
    checkpointId: string
    bucketId: string
    snapshot: Pick<CheckpointSnapshot, 'takenAt' | 'coversUpTo' | 'coversNot'>
    lease: ObjectLease
  },
): Promise<void> {
  checkUuid('checkpoint id', of.checkpointId)
  const { bucketId, lease, snapshot } = of
  await inBucket(database, { bucketId, lease, subject: bucketId }, async trx => {
    await trx
      .updateTable('object_checkpoints')
      .set({ state: 'replaced' })
      .where('bucket_id', '=', bucketId)
      .where('state', '=', 'intended')
      .execute()
    await trx
      .insertInto('object_checkpoints')
      .values({
        id: of.checkpointId,
        bucket_id: bucketId,
        covers_up_to: snapshot.coversUpTo,
        covers_not: snapshot.coversNot,
        created_at: snapshot.takenAt,
      })
      .execute()
  })
}

/**
 * Records that all parts of a checkpoint are proven; the one before is replaced. May be repeated.
 * CatalogError CONFLICT when a part is not, or the checkpoint was given up; NOT_FOUND, BUSY during a
 * recovery, LEASE_LOST.
 */
export async function confirmCheckpoint(
  database: Database,
  of: { checkpointId: string; bucketId: string; partCount: number; lease: ObjectLease },
): Promise<void> {
  checkUuid('checkpoint id', of.checkpointId)
  checkCount('number of parts', of.partCount, 1)
  const { bucketId, lease, checkpointId, partCount } = of
  await inBucket(database, { bucketId, lease, subject: bucketId }, async trx => {
    const checkpoint = await trx
      .selectFrom('object_checkpoints')
      .selectAll()
      .where('id', '=', checkpointId)
      .where('bucket_id', '=', bucketId)
      .executeTakeFirst()
    if (checkpoint === undefined) {
      throw new CatalogError(`There is no checkpoint ${checkpointId}`, { code: 'NOT_FOUND' })
    }
    if (checkpoint.state === 'sent') return
    if (checkpoint.state === 'replaced' || !(await isWhole(trx, of))) {
      throw new CatalogError('The checkpoint was given up, or a part of it is not proven', {
        code: 'CONFLICT',
      })
    }
    await trx
      .updateTable('object_checkpoints')
      .set({ state: 'replaced' })
      .where('bucket_id', '=', bucketId)
      .where('state', '=', 'sent')
      .execute()
    await trx
      .updateTable('object_checkpoints')
      .set({ state: 'sent', sent_at: sql<Date>`clock_timestamp()`, part_count: partCount })
      .where('id', '=', checkpointId)
      .execute()
  })
}

async function isWhole(
  trx: Transaction<CatalogSchema>,
  { checkpointId, partCount }: { checkpointId: string; partCount: number },
): Promise<boolean> {
  const parts = await trx
    .selectFrom('packs')
    .select(['part_no', 'state'])
    .where('checkpoint_id', '=', checkpointId)
    .where('state', '=', 'sent')
    .execute()
  const proven = new Set(parts.map(({ part_no }) => part_no))
  return (
    proven.size === partCount &&
    Array.from({ length: partCount }, (_, at) => at + 1).every(no => proven.has(no))
  )
}

/** Records that the index of every chat names the checkpoint: only then packs that it covers are erased. */
export async function checkpointIndexed({ kysely }: Database, checkpointId: string): Promise<void> {
  checkUuid('checkpoint id', checkpointId)
  await kysely
    .updateTable('object_checkpoints')
    .set({ indexed_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', checkpointId)
    .where('state', '=', 'sent')
    .where('indexed_at', 'is', null)
    .execute()
}

/** The newest proven checkpoint of a bucket with its parts in order; null for none. */
export async function newestCheckpoint(
  { kysely }: Pick<Database, 'kysely'>,
  bucketId: string,
): Promise<{ checkpoint: Checkpoint; parts: Pack[] } | null> {
  checkUuid('bucket id', bucketId)
  const row = await kysely
    .selectFrom('object_checkpoints')
    .selectAll()
    .where('bucket_id', '=', bucketId)
    .where('state', '=', 'sent')
    .executeTakeFirst()
  if (row === undefined) return null
  const parts = await kysely
    .selectFrom('packs')
    .selectAll()
    .where('checkpoint_id', '=', row.id)
    .where('state', '=', 'sent')
    .orderBy('part_no')
    .orderBy('sequence')
    .execute()
  return { checkpoint: checkpointOf(row), parts: await withMessages({ kysely }, parts) }
}

function checkpointOf(row: Selectable<CatalogSchema['object_checkpoints']>): Checkpoint {
  const { state, part_count, ...checkpoint } = row
  return checkpoint
}

/** The number of parts of a checkpoint; null while it is not whole, and for an unknown one. */
export async function checkpointPartCount(
  { kysely }: Pick<Database, 'kysely'>,
  checkpointId: string,
): Promise<number | null> {
  checkUuid('checkpoint id', checkpointId)
  const checkpoint = await kysely
    .selectFrom('object_checkpoints')
    .select('part_count')
    .where('id', '=', checkpointId)
    .executeTakeFirst()
  return checkpoint?.part_count ?? null
}
