import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Selectable, sql } from 'kysely'
import { addToAudit } from '#audit/audit.ts'
import { CatalogError } from '#catalog-error.ts'
import type { CatalogSchema } from '#catalog-schema.ts'
import { inTransaction } from '#connections.ts'
import type { Database } from '#database.ts'
import { checkCount, checkText, checkTime, isUuid } from '#input-checks.ts'
import { isGood } from '#keys/api-keys.ts'
import { inBucket } from '#objects/buckets/bucket-writes.ts'
import type { DoorKey, DoorScope } from '#objects/types.object.ts'

const PREFIX = 'tbd_'
/** How precisely the last use is recorded. */
const LAST_USE_EVERY_MS = 60_000
export const DOOR_SCOPES: readonly DoorScope[] = ['read', 'append', 'full']

/**
 * Makes a key of `tbd_` and 256 random bits for one bucket; only this call returns it. It and the name that a
 * client gives beside it (`user_name`) fit into a URL as they are. CatalogError INVALID, NOT_FOUND without
 * the bucket, BUSY during a recovery.
 */
export async function createDoorKey(
  database: Database,
  of: { bucketId: string; name: string; scope: DoorScope; expiresAt?: Date | undefined },
): Promise<{ doorKey: DoorKey; key: string }> {
  checkText('name of a key', of.name)
  if (of.expiresAt !== undefined) checkTime('expiry', of.expiresAt)
  if (!DOOR_SCOPES.includes(of.scope)) {
    throw new CatalogError('Not a valid scope', {
      code: 'INVALID',
      hint: `Use one of ${DOOR_SCOPES.join(', ')}.`,
    })
  }
  const key = `${PREFIX}${randomBytes(32).toString('base64url')}`
  const doorKey = await inBucket(database, of, async (trx, bucket) => {
    const row = await trx
      .insertInto('door_keys')
      .values({
        bucket_id: bucket.id,
        user_name: `door-${randomBytes(5).toString('hex')}`,
        name: of.name,
        scope: of.scope,
        key_hash: hashOf(key),
        expires_at: of.expiresAt ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow()
    const { id: object, name, scope } = row
    const details = { name, scope, bucket: bucket.name, expires_at: row.expires_at?.toISOString() ?? null }
    const { project_id: projectId } = bucket
    await addToAudit(trx, { actor: database.actor, act: 'doorkey.create', object, projectId, details })
    return withoutHash(row)
  })
  return { doorKey, key }
}

/**
 * The record of a key; null for one that is unknown, expired, revoked or of another user. The key is looked
 * up by its hash, so that the time of the lookup reveals nothing about keys. The last use is recorded once a
 * minute at most.
 */
export async function findDoorKey(
  database: Database,
  { user, key }: { user: string; key: string },
): Promise<DoorKey | null> {
  const row = await database.kysely
    .selectFrom('door_keys')
    .selectAll()
    .select(notUsedLately.as('is_stale'))
    .where('key_hash', '=', hashOf(key))
    .where(isGood)
    .executeTakeFirst()
  if (row === undefined || !timingSafeEqual(hashOf(row.user_name), hashOf(user))) return null
  if (row.is_stale) await noteUse(database, row.id)
  const { is_stale: _, ...found } = row
  return withoutHash(found)
}

const notUsedLately = sql<boolean>`(last_used_at is null
  or last_used_at < clock_timestamp() - ${LAST_USE_EVERY_MS} * interval '1 millisecond')`

/** Only one of many requests at once writes. */
async function noteUse(database: Database, id: string): Promise<void> {
  await database.kysely
    .updateTable('door_keys')
    .set({ last_used_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', id)
    .where(notUsedLately)
    .execute()
}

/**
 * All keys of a bucket, or of all buckets that were not removed, also revoked and expired ones, oldest first.
 */
export async function listDoorKeys(
  { kysely }: Database,
  of: { bucketId?: string | undefined } = {},
): Promise<DoorKey[]> {
  let query = kysely
    .selectFrom('door_keys')
    .innerJoin('object_buckets', 'object_buckets.id', 'door_keys.bucket_id')
    .selectAll('door_keys')
    .where('object_buckets.removed_at', 'is', null)
  if (of.bucketId !== undefined) query = query.where('bucket_id', '=', of.bucketId)
  const rows = await query.orderBy('door_keys.created_at').orderBy('door_keys.id').execute()
  return rows.map(withoutHash)
}

/** One key, also a revoked or expired one; null for an unknown id or one that is no UUID. */
export async function getDoorKey({ kysely }: Database, id: string): Promise<DoorKey | null> {
  if (!isUuid(id)) return null
  const row = await kysely.selectFrom('door_keys').selectAll().where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : withoutHash(row)
}

/** One page of keys, newest first: of a bucket, or of the buckets of a project; without removed buckets. */
export async function pageDoorKeys(
  { kysely }: Database,
  of: {
    bucketId?: string | undefined
    projectId?: string | undefined
    after?: { createdAt: Date; id: string } | undefined
    limit: number
  },
): Promise<DoorKey[]> {
  checkCount('limit', of.limit, 1)
  let query = kysely
    .selectFrom('door_keys')
    .innerJoin('object_buckets', 'object_buckets.id', 'door_keys.bucket_id')
    .selectAll('door_keys')
    .where('object_buckets.removed_at', 'is', null)
    .orderBy('door_keys.created_at', 'desc')
    .orderBy('door_keys.id', 'desc')
  if (of.bucketId !== undefined) query = query.where('bucket_id', '=', of.bucketId)
  if (of.projectId !== undefined) query = query.where('object_buckets.project_id', '=', of.projectId)
  if (of.after !== undefined) {
    const { createdAt, id } = of.after
    query = query.where(sql<boolean>`(door_keys.created_at, door_keys.id) < (${createdAt}, ${id}::uuid)`)
  }
  return (await query.limit(of.limit).execute()).map(withoutHash)
}

/** False for an unknown id. A revoked key stays in the list. */
export async function revokeDoorKey(database: Database, id: string): Promise<boolean> {
  if (!isUuid(id)) return false
  return await inTransaction(database.kysely, async trx => {
    const before = await trx
      .selectFrom('door_keys')
      .innerJoin('object_buckets', 'object_buckets.id', 'door_keys.bucket_id')
      .select(['door_keys.name', 'revoked_at', 'project_id', 'object_buckets.name as bucket'])
      .where('door_keys.id', '=', id)
      .forUpdate('door_keys')
      .executeTakeFirst()
    if (before === undefined) return false
    if (before.revoked_at !== null) return true
    await trx
      .updateTable('door_keys')
      .set({ revoked_at: sql<Date>`clock_timestamp()` })
      .where('id', '=', id)
      .execute()
    const { project_id: projectId, name, bucket } = before
    const of = { object: id.toLowerCase(), projectId, details: { name, bucket } }
    await addToAudit(trx, { actor: database.actor, act: 'doorkey.revoke', ...of })
    return true
  })
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function withoutHash({ key_hash, ...rest }: Selectable<CatalogSchema['door_keys']>): DoorKey {
  return rest
}
