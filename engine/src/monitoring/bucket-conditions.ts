import type { BucketHealth } from '@telegram-backup/database'

interface BucketCondition {
  key: string
  kind: 'snapshot_overdue' | 'bucket_damaged'
  project: string
  /** A bucket is no source. */
  type: null
  source: null
  details: { bucket: string } & Record<string, string | number | null>
  newestAt?: Date | undefined
}

const HOUR_MS = 3_600_000

/** What is wrong with buckets. `now`: milliseconds since 1970. */
export function bucketConditions(buckets: readonly BucketHealth[], now: number): BucketCondition[] {
  return buckets.flatMap(bucket => [...withoutSnapshot(bucket, now), ...damaged(bucket)])
}

/** No client has stored a snapshot for too long; a new bucket gets as much time for its first one. */
function withoutSnapshot(bucket: BucketHealth, now: number): BucketCondition[] {
  const { created_at, last_snapshot_at, snapshot_limit_hours: limit } = bucket
  if (limit === null || now - (last_snapshot_at ?? created_at).getTime() <= limit * HOUR_MS) return []
  const details = { last_snapshot_at: last_snapshot_at?.toISOString() ?? null, limit_seconds: limit * 3_600 }
  return [conditionOf('snapshot_overdue', bucket, details)]
}

function damaged(bucket: BucketHealth): BucketCondition[] {
  const { damaged_packs: packs, last_damaged_at } = bucket
  if (packs === 0) return []
  return [{ ...conditionOf('bucket_damaged', bucket, { packs }), newestAt: last_damaged_at ?? undefined }]
}

function conditionOf(
  kind: BucketCondition['kind'],
  { id, name, project_id: project }: BucketHealth,
  details: Record<string, string | number | null>,
): BucketCondition {
  const of = { project, type: null, source: null }
  return { key: `${kind}:${id}`, kind, ...of, details: { ...details, bucket: name } }
}
