import {
  type Bucket,
  type BucketKind,
  type BucketSettings,
  bucketById,
  type Database,
  openAlerts,
  createBucket as recordBucket,
  changeBucket as recordChange,
  removeBucket as recordRemoval,
} from '@telegram-backup/database'
import { BackupError, hint, option, run } from '@telegram-backup/errors'
import { type Caller, sees } from '#access/caller.ts'
import { type BucketState, readBucketStates } from '#monitoring/bucket-states.ts'
import { alertTimes } from '#monitoring/state-findings.ts'
import { count, formatBytes } from '#units/human-units.ts'

export type { BucketState }

/** Without a term: 7 days for undelete, the second chat later, no limits. */
export interface BucketRequest extends BucketSettings {
  name: string
  kind: BucketKind
  /** Without one: the project of who asks, else `default`. */
  projectId?: string | undefined
}

const DEFAULT_PROJECT = 'default'

/**
 * Makes a bucket. With `by`, who asks over HTTP; without, whoever runs the program on this machine. Throws
 * `INVALID`, `CONFLICT` for a name that is taken, `FORBIDDEN`.
 */
export async function createBucket(
  database: Database,
  { name, kind, projectId, ...terms }: BucketRequest,
  by?: Caller,
): Promise<Bucket> {
  if (kind === 's3') {
    throw new BackupError('There is no door for S3 yet', {
      code: 'INVALID',
      hint: 'Make a bucket of the kind restic.',
    })
  }
  const project = projectId ?? by?.project_id ?? DEFAULT_PROJECT
  if (by !== undefined && !sees(by, project)) {
    throw new BackupError('Nobody can make a bucket in a project that they do not see', { code: 'FORBIDDEN' })
  }
  return await recordBucket(database, { name, kind, projectId: project, ...terms })
}

/** All buckets that the viewer sees, those that need a look first. */
export async function listBuckets(
  database: Database,
  { projectId }: { projectId?: string | undefined } = {},
): Promise<BucketState[]> {
  const alerts = alertTimes(await openAlerts(database))
  const states = await readBucketStates(database, { now: Date.now(), alerts })
  return states.filter(({ project_id }) => projectId === undefined || project_id === projectId)
}

/** One bucket, by its id. Throws `NOT_FOUND`, also for one of another project. */
export async function showBucket(database: Database, id: string, by?: Caller): Promise<BucketState> {
  const { id: bucketId } = await bucketFor(database, id, by)
  const alerts = alertTimes(await openAlerts(database))
  const [state] = await readBucketStates(database, { now: Date.now(), alerts, bucketId })
  return state ?? noSuchBucket()
}

/** Throws `NOT_FOUND`, `INVALID`. */
export async function changeBucket(
  database: Database,
  id: string,
  { change, by }: { change: BucketSettings; by?: Caller | undefined },
): Promise<Bucket> {
  await bucketFor(database, id, by)
  return await recordChange(database, id, change)
}

/**
 * Removes a bucket: its doors close at once, and its messages are erased by and by. Throws `NOT_FOUND`, and
 * `CONFLICT` for one with objects, unless `withObjects`.
 */
export async function removeBucket(
  database: Database,
  id: string,
  { withObjects, by }: { withObjects: boolean; by?: Caller | undefined },
): Promise<Bucket> {
  const state = await showBucket(database, id, by)
  if (!withObjects && (state.objects > 0 || state.undeletable_bytes > 0)) {
    throw new BackupError(`The bucket ${JSON.stringify(state.name)} still holds ${whatIsLost(state)}`, {
      code: 'CONFLICT',
      hint: hint`All of it is lost with the bucket: ask with ${option('with-objects')} to remove it nevertheless.`,
    })
  }
  return await recordRemoval(database, state.id)
}

/** `12 objects of 3.4 GiB, and 0 B of deleted objects that could be brought back`. */
export function whatIsLost({ objects, bytes, undeletable_bytes }: BucketState): string {
  const deleted =
    undeletable_bytes === 0
      ? ''
      : `, and ${formatBytes(undeletable_bytes)} of deleted objects that can be brought back`
  return `${count(objects, 'object')} of ${formatBytes(bytes)}${deleted}`
}

/** Throws `NOT_FOUND` for a bucket that is gone, or that the caller does not see. */
export async function bucketFor(database: Database, id: string, by: Caller | undefined): Promise<Bucket> {
  const bucket = await bucketById(database, id)
  if (bucket === null || bucket.removed_at !== null || (by !== undefined && !sees(by, bucket.project_id))) {
    return noSuchBucket()
  }
  return bucket
}

function noSuchBucket(): never {
  throw new BackupError('There is no such bucket', {
    code: 'NOT_FOUND',
    hint: hint`${run('bucket list')} shows them. One that was removed, or that belongs to another project, is not found.`,
  })
}
