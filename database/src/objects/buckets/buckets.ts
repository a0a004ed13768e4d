import { sql, type Updateable } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { ensureProject } from '#backups/records.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkProjectId, isUuid } from '#input-checks.ts'
import type { JsonObject } from '#jobs/types.backup.ts'
import { type BucketRow, inBucket, revokeKeys } from '#objects/buckets/bucket-writes.ts'
import type { Bucket, BucketKind } from '#objects/types.object.ts'

/** What can be changed of a bucket; see `Bucket`. */
export interface BucketSettings {
  /** Milliseconds, from 0 on. */
  undeleteMs?: number | undefined
  replica?: Bucket['replica'] | undefined
  /** From 1 on; null: no limit. */
  maxBytes?: number | null | undefined
  /** From 1 on; null: never. */
  snapshotLimitHours?: number | null | undefined
}

/** CatalogError INVALID, CONFLICT when there is a bucket of that name. */
export async function createBucket(
  database: Database,
  of: { name: string; kind: BucketKind; projectId: string } & BucketSettings,
): Promise<Bucket> {
  checkBucketName(of.name)
  checkProjectId(of.projectId)
  checkKind(of.kind)
  checkSettings(of)
  return await inTransaction(database.kysely, async trx => {
    await ensureProject(trx, of.projectId)
    const row = await trx
      .insertInto('object_buckets')
      .values({ name: of.name, kind: of.kind, project_id: of.projectId, ...settingColumns(of) })
      .onConflict(conflict => conflict.column('name').where('removed_at', 'is', null).doNothing())
      .returningAll()
      .executeTakeFirst()
    if (row === undefined) {
      throw new CatalogError(`There is a bucket ${of.name} already`, {
        code: 'CONFLICT',
        hint: 'Choose another name, or use that one.',
      })
    }
    const details = { name: of.name, kind: of.kind }
    await addToAudit(trx, { ...actOn(database, row), act: 'bucket.create', details })
    return bucketOf(row)
  })
}

const KINDS: readonly BucketKind[] = ['restic', 's3']

export function checkKind(kind: BucketKind): void {
  if (KINDS.includes(kind)) return
  throw invalid('kind of bucket', `Use one of ${KINDS.join(', ')}.`)
}

/** 3 to 63 characters of `a-z0-9.-`, first and last a letter or digit. Throws CatalogError INVALID. */
export function checkBucketName(name: unknown): void {
  if (typeof name === 'string' && /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) return
  throw invalid(
    'name of a bucket',
    'Use 3 to 63 small letters, digits, dots and hyphens, first and last a letter or digit.',
  )
}

export function checkSettings({ undeleteMs, replica, maxBytes, snapshotLimitHours }: BucketSettings): void {
  if (undeleteMs !== undefined) checkCount('time for undelete', undeleteMs)
  if (maxBytes != null) checkCount('limit in bytes', maxBytes, 1)
  if (snapshotLimitHours != null) checkCount('limit in hours', snapshotLimitHours, 1)
  if (replica !== undefined && replica !== 'wait' && replica !== 'later') {
    throw invalid('setting for the second chat', 'Use wait or later.')
  }
}

function invalid(name: string, hint: string): CatalogError {
  return new CatalogError(`Not a valid ${name}`, { code: 'INVALID', hint })
}

export function settingColumns(
  of: BucketSettings,
): Pick<
  Updateable<CatalogSchema['object_buckets']>,
  'undelete_ms' | 'replica' | 'max_bytes' | 'snapshot_limit_hours'
> {
  return {
    undelete_ms: of.undeleteMs,
    replica: of.replica,
    max_bytes: of.maxBytes,
    snapshot_limit_hours: of.snapshotLimitHours,
  }
}

function actOn({ actor }: Database, { id, project_id }: Pick<BucketRow, 'id' | 'project_id'>) {
  return { actor, object: id, projectId: project_id }
}

/** The columns of a row that are for callers. */
export function bucketOf(row: Bucket): Bucket {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    project_id: row.project_id,
    undelete_ms: row.undelete_ms,
    replica: row.replica,
    max_bytes: row.max_bytes,
    snapshot_limit_hours: row.snapshot_limit_hours,
    created_at: row.created_at,
    last_snapshot_at: row.last_snapshot_at,
    removed_at: row.removed_at,
    undeleting_to: row.undeleting_to,
  }
}

/** Null when there is none that was not removed. */
export async function bucketByName({ kysely }: Database, name: string): Promise<Bucket | null> {
  const row = await kysely
    .selectFrom('object_buckets')
    .selectAll()
    .where('name', '=', name)
    .where('removed_at', 'is', null)
    .executeTakeFirst()
  return row === undefined ? null : bucketOf(row)
}

/** Also a removed one; null for an unknown id or one that is no UUID. */
export async function bucketById({ kysely }: Database, id: string): Promise<Bucket | null> {
  if (!isUuid(id)) return null
  const row = await kysely.selectFrom('object_buckets').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : bucketOf(row)
}

/** Those that were not removed, by name. */
export async function listBuckets(
  { kysely }: Database,
  of: { projectId?: string | undefined } = {},
): Promise<Bucket[]> {
  let query = kysely.selectFrom('object_buckets').selectAll().where('removed_at', 'is', null)
  if (of.projectId !== undefined) query = query.where('project_id', '=', of.projectId)
  return (await query.orderBy('name').execute()).map(bucketOf)
}

/** The bucket as it is then. CatalogError NOT_FOUND, INVALID, BUSY during a recovery. */
export async function changeBucket(
  database: Database,
  bucketId: string,
  changes: BucketSettings,
): Promise<Bucket> {
  checkSettings(changes)
  const columns = settingColumns(changes)
  return await inBucket(database, { bucketId }, async (trx, before) => {
    const details = JSON.parse(JSON.stringify(columns)) as JsonObject
    if (Object.keys(details).length === 0) return bucketOf(before)
    const row = await trx
      .updateTable('object_buckets')
      .set(columns)
      .where('id', '=', bucketId)
      .returningAll()
      .executeTakeFirstOrThrow()
    await addToAudit(trx, { ...actOn(database, row), act: 'bucket.change', details })
    return bucketOf(row)
  })
}

/**
 * Removes a bucket with all its objects, and its keys: nobody finds them any more, and their messages are
 * erased afterwards. There is no way back. CatalogError NOT_FOUND, BUSY during a recovery.
 */
export async function removeBucket(database: Database, bucketId: string): Promise<Bucket> {
  return await inBucket(database, { bucketId }, async trx => {
    const now = sql<Date>`clock_timestamp()`
    const row = await trx
      .updateTable('object_buckets')
      .set({ removed_at: now, undeleting_to: null, undeleted_at: null })
      .where('id', '=', bucketId)
      .returningAll()
      .executeTakeFirstOrThrow()
    await revokeKeys(trx, bucketId)
    // One that names its undelete does not name its removal.
    await sql`
      update control_plane.chats set index_names = array_remove(index_names, ${bucketId}::uuid)
       where ${bucketId}::uuid = any (index_names)
    `.execute(trx)
    const details = { name: row.name, objects: row.live_objects, bytes: row.live_bytes }
    await addToAudit(trx, { ...actOn(database, row), act: 'bucket.remove', details })
    return bucketOf(row)
  })
}
