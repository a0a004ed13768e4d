import {
  type Bucket,
  type BucketFacts,
  bucketFacts,
  bucketHealth,
  type Database,
  listBuckets,
} from '@telegram-backup/database'
import { bucketConditions } from '#monitoring/bucket-conditions.ts'
import {
  type AlertTimes,
  type Finding,
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
  | 'undeleting_to'
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
  /** An estimate of the bytes in messages that no object needs. */
  dead_bytes: number
  /** In all chats. */
  messages: number
}

/**
 * Of all buckets, or of one; those that need a look come first, then by name.
 * @param of.now milliseconds since 1970
 */
export async function readBucketStates(
  database: Database,
  of: { now: number; alerts: AlertTimes; bucketId?: string | undefined },
): Promise<BucketState[]> {
  const bucketIds = of.bucketId === undefined ? undefined : [of.bucketId]
  const buckets = await listBuckets(database)
  const facts = new Map((await bucketFacts(database, { bucketIds })).map(fact => [fact.bucket_id, fact]))
  const conditions = Map.groupBy(
    bucketConditions(await bucketHealth(database), of.now),
    ({ details }) => details.bucket,
  )
  const states = buckets.flatMap(bucket => {
    const own = facts.get(bucket.id)
    // One that was made a moment ago has none yet.
    if (own === undefined) return []
    const findings = (conditions.get(bucket.name) ?? []).map(condition => findingOf(condition, of.alerts))
    return [stateOf(bucket, own, [...undeleting(bucket), ...findings])]
  })
  return states.sort((a, b) => Number(a.state === 'ok') - Number(b.state === 'ok'))
}

/** Whoever began it knows; whoever finds its door closed does not. */
function undeleting({ undeleting_to: to }: Bucket): Finding[] {
  if (to === null) return []
  const text = `It is being taken back to ${to.toISOString()}, and its door is closed until that has ended.`
  return [{ state: 'attention', reason: { code: 'bucket_undeleting', text, since: null } }]
}

function stateOf(bucket: Bucket, facts: BucketFacts, findings: readonly Finding[]): BucketState {
  return {
    ...{ id: bucket.id, name: bucket.name, kind: bucket.kind, project_id: bucket.project_id },
    state: worstOf(findings.map(({ state }) => state)),
    reasons: findings.map(({ reason }) => reason),
    undelete_seconds: bucket.undelete_ms / 1000,
    ...{ replica: bucket.replica, max_bytes: bucket.max_bytes },
    ...{ snapshot_limit_hours: bucket.snapshot_limit_hours, created_at: bucket.created_at },
    ...{ last_snapshot_at: bucket.last_snapshot_at, undeleting_to: bucket.undeleting_to },
    ...{ objects: facts.objects, bytes: facts.bytes, undeletable_bytes: facts.undeletable_bytes },
    ...{ dead_bytes: facts.dead_bytes, messages: facts.messages },
  }
}
