import type { Bucket, BucketFacts } from '@telegram-backup/database'
import { bucketConditions } from '#monitoring/bucket-conditions.ts'
import {
  type AlertTimes,
  findingOf,
  type OverviewState,
  type StateReason,
  worstOf,
} from '#monitoring/state-findings.ts'

/** A bucket now. Sizes in bytes. */
export type BucketState = Pick<
  Bucket,
  | 'id'
  | 'name'
  | 'kind'
  | 'project_id'
  | 'replica'
  | 'max_bytes'
  | 'snapshot_limit_hours'
  | 'created_at'
  | 'last_snapshot_at'
> & {
  /** Never `broken`: what a bucket holds is for the program that fills it to judge. */
  state: OverviewState
  reasons: StateReason[]
  /** How long a deleted object can be brought back. */
  undelete_seconds: number
  /** Live ones. */
  objects: number
  /** Of live objects. */
  bytes: number
  /** Of deleted objects that can be brought back. */
  undeletable_bytes: number
  /** In messages, and of no object any more. */
  dead_bytes: number
  /** In all chats. */
  messages: number
}

/** The worst come first, then by name. `now`: milliseconds since 1970. */
export function bucketStates(
  buckets: readonly BucketFacts[],
  { now, alerts }: { now: number; alerts: AlertTimes },
): BucketState[] {
  const states = buckets.map(bucket => {
    const findings = bucketConditions([bucket], now).map(condition => findingOf(condition, alerts))
    return {
      ...{ id: bucket.id, name: bucket.name, kind: bucket.kind, project_id: bucket.project_id },
      state: worstOf(findings.map(({ state }) => state)),
      reasons: findings.map(({ reason }) => reason),
      undelete_seconds: bucket.undelete_ms / 1000,
      ...{ replica: bucket.replica, max_bytes: bucket.max_bytes },
      ...{ snapshot_limit_hours: bucket.snapshot_limit_hours, created_at: bucket.created_at },
      last_snapshot_at: bucket.last_snapshot_at,
      ...{ objects: bucket.objects, bytes: bucket.bytes, undeletable_bytes: bucket.undeletable_bytes },
      ...{ dead_bytes: bucket.dead_bytes, messages: bucket.messages },
    }
  })
  return states.sort(
    (a, b) => Number(a.state === 'ok') - Number(b.state === 'ok') || (a.name < b.name ? -1 : 1),
  )
}
