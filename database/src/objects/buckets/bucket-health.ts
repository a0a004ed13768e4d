import type { Database } from '#database.ts'
import type { Bucket } from '#objects/types.object.ts'

/** What can be wrong with a bucket. */
export interface BucketHealth
  extends Pick<
    Bucket,
    'id' | 'name' | 'project_id' | 'snapshot_limit_hours' | 'created_at' | 'last_snapshot_at'
  > {
  /** Packs whose bytes are not in any chat as they were sent. */
  damaged_packs: number
  /** When damage was last found; null for none. */
  last_damaged_at: Date | null
}

/** Of all buckets that were not removed, by name. Cheap: it counts no objects. */
export async function bucketHealth({ kysely }: Database): Promise<BucketHealth[]> {
  return await kysely
    .selectFrom('object_buckets as bucket')
    .leftJoin('packs as pack', join =>
      join
        .onRef('pack.bucket_id', '=', 'bucket.id')
        .on('pack.state', '=', 'sent')
        .on('pack.damaged_at', 'is not', null),
    )
    .select([
      'bucket.id',
      'bucket.name',
      'bucket.project_id',
      'bucket.snapshot_limit_hours',
      'bucket.created_at',
      'bucket.last_snapshot_at',
    ])
    .select(({ fn }) => [
      fn.count<number>('pack.id').as('damaged_packs'),
      fn.max('pack.damaged_at').as('last_damaged_at'),
    ])
    .where('bucket.removed_at', 'is', null)
    .groupBy('bucket.id')
    .orderBy('bucket.name')
    .execute()
}
